/*
 * speedscope.c - who ran for how long: an evented profile for each thread, in one JSON object.
 *
 * The slices of a thread (tracks.h) are its stack: the loop, the task whose step it is, the
 * bodies. Events that neither begin nor end a slice have no place here.
 *
 * A profile holds the events of one thread one behind the other, but the trace has those of
 * all threads in one order. So the text of each thread collects in blocks of a temporary file,
 * chained by their last 8 bytes, and is copied out in the end:
 *
 *     thread 1   [block 0 |-]-----------> [block 2 |-]---> ...
 *     thread 2             [block 1 |-]------------------> ...
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "export_private.h"
#include "tracks.h"

#define BLOCK      65536u
#define BLOCK_TEXT (BLOCK - 8)

struct profile {
	char *block;     /* owned; BLOCK bytes, not written yet */
	uint32_t length; /* of the text in it */
	uint64_t number; /* of that block in the temporary file */
	uint64_t first;  /* of the thread's first block */
	uint64_t events; /* of the profile, so far */
	int64_t last;    /* time */
};

struct frame {
	uint32_t name; /* string id */
	uint8_t kind;
};

struct speedscope {
	struct export *export; /* first */
	struct tracks tracks;
	struct profile *profile[CORO_RINGS]; /* each owned; NULL: nothing of the thread */
	int fd;                              /* the temporary file */
	uint64_t blocks;                     /* in it */
	struct frame *frame;                 /* owned; in the order of their first use */
	uint32_t count, room;
	struct serials frames; /* name << 8 | kind -> place in `frame` */
};

/* ---- Blocks ------------------------------------------------------------ */

static int write_block(struct speedscope *speedscope, const struct profile *profile)
{
	size_t done = 0;

	while (done < BLOCK) {
		ssize_t part = pwrite(speedscope->fd, profile->block + done, BLOCK - done,
							  (off_t)(profile->number * BLOCK + done));

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return part < 0 ? -errno : -EIO;
		done += (size_t)part;
	}
	return 0;
}

static int read_block(struct speedscope *speedscope, uint64_t number, char *block)
{
	size_t done = 0;

	while (done < BLOCK) {
		ssize_t part =
			pread(speedscope->fd, block + done, BLOCK - done, (off_t)(number * BLOCK + done));

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return part < 0 ? -errno : -EIO;
		done += (size_t)part;
	}
	return 0;
}

static int add_text(struct speedscope *speedscope, struct profile *profile, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		size_t room = BLOCK_TEXT - profile->length, part = length < room ? length : room;

		memcpy(profile->block + profile->length, text, part);
		profile->length += (uint32_t)part;
		text += part;
		length -= part;
		if (profile->length == BLOCK_TEXT) {
			uint64_t next = speedscope->blocks++;
			int r;

			memcpy(profile->block + BLOCK_TEXT, &next, sizeof(next));
			r = write_block(speedscope, profile);
			if (r < 0)
				return r;
			profile->number = next;
			profile->length = 0;
		}
	}
	return 0;
}

static int copy_blocks(struct speedscope *speedscope, const struct profile *profile)
{
	struct sink *sink = &speedscope->export->sink;
	char *block = malloc(BLOCK);
	uint64_t number = profile->first;
	int r = block ? 0 : -ENOMEM;

	while (r == 0 && number != profile->number) {
		r = read_block(speedscope, number, block);
		if (r == 0) {
			sink_put(sink, block, BLOCK_TEXT);
			memcpy(&number, block + BLOCK_TEXT, sizeof(number));
		}
	}
	if (r == 0)
		sink_put(sink, profile->block, profile->length);
	free(block);
	return r;
}

/* ---- Profiles ---------------------------------------------------------- */

static struct profile *find_profile(struct speedscope *speedscope, uint32_t ring)
{
	struct profile *profile = speedscope->profile[ring];

	if (profile)
		return profile;
	profile = calloc(1, sizeof(*profile));
	if (!profile)
		return NULL;
	profile->block = calloc(1, BLOCK);
	if (!profile->block) {
		free(profile);
		return NULL;
	}
	profile->first = profile->number = speedscope->blocks++;
	return speedscope->profile[ring] = profile;
}

/* The number of a frame, or -ENOMEM. */
static int64_t find_frame(struct speedscope *speedscope, uint32_t name, uint8_t kind)
{
	uint64_t number;

	/* Ids that mean nothing would make frames without end. */
	if (!trace_string(speedscope->export->trace, name))
		name = 0;
	if (serials_find(&speedscope->frames, (uint64_t)name << 8 | kind, &number))
		return (int64_t)number;
	if (speedscope->count == speedscope->room) {
		uint32_t room = speedscope->room ? speedscope->room * 2 : 64;
		struct frame *larger = reallocarray(speedscope->frame, room, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		speedscope->frame = larger;
		speedscope->room = room;
	}
	if (!serials_set(&speedscope->frames, (uint64_t)name << 8 | kind, speedscope->count))
		return -ENOMEM;
	speedscope->frame[speedscope->count] = (struct frame){name, kind};
	return speedscope->count++;
}

static int add_event(struct speedscope *speedscope, uint32_t ring, const char *type, uint32_t name,
					 uint8_t kind, int64_t t)
{
	struct profile *profile = find_profile(speedscope, ring);
	int64_t frame = find_frame(speedscope, name, kind);
	cJSON *json;
	char *text;
	int r;

	if (!profile || frame < 0)
		return -ENOMEM;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "type", type);
	cJSON_AddNumberToObject(json, "frame", (double)frame);
	cJSON_AddNumberToObject(json, "at", (double)t);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (!text)
		return -ENOMEM;
	r = profile->events++ ? add_text(speedscope, profile, ",\n") : 0;
	if (r == 0)
		r = add_text(speedscope, profile, text);
	cJSON_free(text);
	profile->last = t;
	return r;
}

/* ---- Events ------------------------------------------------------------ */

static void fail(struct speedscope *speedscope, int r)
{
	if (r < 0 && !speedscope->export->sink.error)
		speedscope->export->sink.error = r;
}

static void put_event(void *context, const struct trace_event *event, uint64_t turn)
{
	struct speedscope *speedscope = context;
	struct export_report *report = &speedscope->export->report;
	struct track_step step;
	int r = tracks_event(&speedscope->tracks, event, &step);

	if (r == -ERANGE) {
		report->omitted[EXPORT_THREAD]++;
		return;
	}
	if (r == 0 && step.action == TRACK_INSTANT) {
		report->omitted[EXPORT_NO_PLACE]++;
		return;
	}
	if (r == 0)
		r = add_event(speedscope, event->ring, step.action == TRACK_BEGIN ? "O" : "C", step.name,
					  step.kind, step.t);
	report->exported += r == 0;
	fail(speedscope, r);
}

static void put_cut(void *context, const struct slice *slice, uint32_t ring, int64_t t)
{
	struct speedscope *speedscope = context;

	fail(speedscope, add_event(speedscope, ring, "C", slice->name, slice->kind, t));
}

static void put_lost(void *context, uint64_t after, uint32_t ring, uint64_t count)
{
	struct speedscope *speedscope = context;
	uint32_t track;
	int64_t t;

	tracks_lost(&speedscope->tracks, ring, &track, &t);
}

static void put_unreadable(void *context, uint64_t first, uint64_t count)
{
	struct speedscope *speedscope = context;

	export_unreadable(context, first, count);
	tracks_cut_all(&speedscope->tracks);
}

/* ---- The file ---------------------------------------------------------- */

static int put_profile(struct speedscope *speedscope, const char *name,
					   const struct profile *profile)
{
	struct sink *sink = &speedscope->export->sink;
	cJSON *value = cJSON_CreateString(name);
	int r = 0;

	sink_put_string(sink, "{\"type\":\"evented\",\"unit\":\"nanoseconds\",\"name\":");
	sink_put_json(sink, value);
	sink_put_string(sink, ",\"startValue\":0,\"events\":[\n");
	if (profile)
		r = copy_blocks(speedscope, profile);
	sink_put_string(sink, "\n],\"endValue\":");
	sink_put_json(sink, cJSON_CreateNumber(profile ? (double)profile->last : 0));
	sink_put_string(sink, "}");
	return r;
}

/* At least one: a viewer has nothing to open otherwise. */
static int put_profiles(struct speedscope *speedscope)
{
	_cleanup_(text_done) struct text name = {0};
	bool any = false;
	int r = 0;

	for (uint32_t ring = 0; ring < CORO_RINGS && r == 0; ring++) {
		if (!speedscope->profile[ring])
			continue;
		sink_put_string(&speedscope->export->sink, any ? ",\n" : "");
		any = true;
		text_clear(&name);
		export_add_thread(&name, ring);
		r = put_profile(speedscope, text_string(&name), speedscope->profile[ring]);
	}
	return any ? r : put_profile(speedscope, "nothing ran", NULL);
}

static void put_frames(struct speedscope *speedscope)
{
	struct sink *sink = &speedscope->export->sink;

	for (uint32_t i = 0; i < speedscope->count; i++) {
		const struct frame *frame = &speedscope->frame[i];
		const char *kind = trace_object_kind_name(frame->kind);
		_cleanup_(text_done) struct text name = {0};
		cJSON *json = cJSON_CreateObject();

		/* A task has the name of its coroutine, which stands above it. */
		if (frame->kind == CORO_OBJECT_TASK || frame->kind == CORO_OBJECT_TASKLET)
			text_add(&name, "%s%s", kind, frame->name ? " " : "");
		export_add_name(&name, speedscope->export, frame->name, name.length ? "" : kind);
		cJSON_AddStringToObject(json, "name", text_string(&name));
		sink_put_string(sink, i ? ",\n" : "");
		sink_put_json(sink, json);
	}
}

static int write_file(struct speedscope *speedscope)
{
	struct sink *sink = &speedscope->export->sink;
	_cleanup_(text_done) struct text program = {0};
	int r;

	export_add_program(&program, speedscope->export);
	sink_put_string(sink, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
						  "\"exporter\":\"coroscope\",\"name\":");
	sink_put_json(sink, cJSON_CreateString(text_string(&program)));
	sink_put_string(sink, ",\"profiles\":[\n");
	r = put_profiles(speedscope);
	sink_put_string(sink, "\n],\"shared\":{\"frames\":[\n");
	put_frames(speedscope);
	sink_put_string(sink, "\n]}}\n");
	return r;
}

int export_speedscope(struct export *export)
{
	struct speedscope speedscope = {
		.export = export,
		.tracks = {.cut = put_cut},
		.fd = export_temporary(export),
	};
	const struct walk walk = {
		.context = &speedscope,
		.event = put_event,
		.unreadable = put_unreadable,
		.output = export_no_output,
		.output_unreadable = export_output_unreadable,
		.lost = put_lost,
		.go_on = export_go_on,
	};
	int r;

	if (speedscope.fd < 0)
		return speedscope.fd;
	speedscope.tracks.context = &speedscope;
	trace_walk(export->trace, 0, export->report.events, &walk);
	tracks_cut_all(&speedscope.tracks);
	r = write_file(&speedscope);
	export->report.cut = speedscope.tracks.cuts;
	export->report.moved = speedscope.tracks.moved;
	for (unsigned i = 0; i < CORO_RINGS; i++) {
		if (speedscope.profile[i])
			free(speedscope.profile[i]->block);
		free(speedscope.profile[i]);
	}
	free(speedscope.frame);
	serials_done(&speedscope.frames);
	tracks_done(&speedscope.tracks);
	close(speedscope.fd);
	return r;
}
