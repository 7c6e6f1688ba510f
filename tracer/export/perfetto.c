/*
 * perfetto.c - Perfetto's trace format: a protobuf message `Trace` of packets, one behind the
 * other. The messages and the numbers of their fields are those of protos/perfetto/trace in
 * Perfetto's source; tests/behave/perfetto.proto has the ones that are used here.
 *
 *     ClockSnapshot       t = 0 of all times, and what the wall clock said then
 *     TrackDescriptor     the process; below it the threads; below them their tasks
 *     TrackEvent          begin or end of a slice, or an instant; with the event as annotations,
 *                         and arrows (flows) from what woke a task to its next step
 *     InternedData        names that events refer to by number, told before their first use
 *
 * A field is a varint `number << 3 | type`, and then, by type: 0 a varint; 1 eight bytes; 2 a
 * length and as many bytes. So a message is made innermost first.
 *
 * Where something was lost, previous_packet_dropped says so, and all names are told anew, as
 * a reader expects it then.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "export_private.h"
#include "tracks.h"

/* Numbers of fields. */
enum {
	TRACE_PACKET = 1,
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_PREVIOUS_DROPPED = 42,
	PACKET_TRACK_DESCRIPTOR = 60,
	PACKET_FIRST_ON_SEQUENCE = 87,
	SNAPSHOT_CLOCKS = 1,
	CLOCK_ID = 1,
	CLOCK_TIMESTAMP = 2,
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_PARENT_UUID = 5,
	TRACK_CHILD_ORDERING = 11,
	TRACK_ORDER_RANK = 12,
	PROCESS_PID = 1,
	PROCESS_CMDLINE = 2,
	PROCESS_NAME = 6,
	EVENT_CATEGORY_IIDS = 3,
	EVENT_ANNOTATIONS = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_IID = 10,
	EVENT_TRACK_UUID = 11,
	EVENT_FLOW_IDS = 47,
	EVENT_TERMINATING_FLOW_IDS = 48,
	ANNOTATION_NAME_IID = 1,
	ANNOTATION_UINT = 3,
	ANNOTATION_STRING = 6,
	INTERNED_CATEGORIES = 1,
	INTERNED_NAMES = 2,
	INTERNED_ANNOTATION_NAMES = 3,
	ENTRY_IID = 1,
	ENTRY_NAME = 2,
};

enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_INSTANT = 3 };
enum { CLOCK_REALTIME_ID = 1, CLOCK_BOOTTIME_ID = 6 }; /* boot time is what times are by default */
enum { STATE_CLEARED = 1, NEEDS_STATE = 2 };
enum { ORDER_EXPLICIT = 3 };

#define PROCESS_UUID  1
#define TRACK_UUIDS   2 /* of the first track */
#define SEQUENCE      1 /* there is one only */
#define INTERNED_MOST (64u << 10)

/* Numbers of names: kinds of event as they are, then labels, then strings of the trace. */
enum { IID_KIND = 1, IID_LABEL = 512, IID_OBJECT = 600, IID_STRING = 1024 };

enum label { LABEL_TURN, LABEL_STEP, LABEL_LOST, LABEL_UNREADABLE, LABEL_OUTPUT };
static const char *const labels[] = {"turn", "step", "lost", "unreadable", "output"};

enum annotation {
	NOTE_N,
	NOTE_KIND,
	NOTE_CO,
	NOTE_NAME,
	NOTE_PEER,
	NOTE_PEER_NAME,
	NOTE_VALUE,
	NOTE_SITE,
	NOTE_END_N,
	NOTE_END_KIND,
	NOTE_END_VALUE,
	NOTE_END_SITE,
	NOTE_AFTER,
	NOTE_COUNT,
	NOTE_FD,
	NOTE_TEXT
};
static const char *const notes[] = {"n",     "kind",  "co",    "name",     "peer",      "peer_name",
									"value", "site",  "end_n", "end_kind", "end_value", "end_site",
									"after", "count", "fd",    "text"};

struct perfetto {
	struct export *export; /* first */
	struct tracks tracks;
	struct serials interned; /* INTERNED_... << 40 | iid, of what was told */
	bool cleared;            /* the next packet says that nothing is interned */
	bool dropped;            /* the next packet says that something is missing before it */
	struct bytes packet, event, annotation, names, entry; /* messages in the making */
	struct text text;
};

/* ---- Fields ------------------------------------------------------------ */

static void put_number(struct bytes *message, unsigned field, uint64_t number)
{
	bytes_put_varint(message, (uint64_t)field << 3);
	bytes_put_varint(message, number);
}

static void put_fixed(struct bytes *message, unsigned field, uint64_t number)
{
	bytes_put_varint(message, (uint64_t)field << 3 | 1);
	bytes_put_fixed(message, number, 8);
}

static void put_bytes(struct bytes *message, unsigned field, const void *bytes, size_t length)
{
	bytes_put_varint(message, (uint64_t)field << 3 | 2);
	bytes_put_text(message, bytes, length);
}

static void put_text(struct bytes *message, unsigned field, const char *string)
{
	put_bytes(message, field, string, strlen(string));
}

/* A message as a field of another; it is empty then. */
static void put_message(struct bytes *message, unsigned field, struct bytes *inner)
{
	put_bytes(message, field, inner->data, inner->length);
	message->failed |= inner->failed;
	bytes_clear(inner);
}

/* ---- Packets ----------------------------------------------------------- */

static void write_packet(struct perfetto *perfetto)
{
	struct sink *sink = &perfetto->export->sink;
	struct bytes header = {0};

	bytes_put_varint(&header, TRACE_PACKET << 3 | 2);
	bytes_put_varint(&header, perfetto->packet.length);
	sink_put(sink, header.data, header.length);
	sink_put(sink, perfetto->packet.data, perfetto->packet.length);
	if ((header.failed || perfetto->packet.failed) && !sink->error)
		sink->error = -ENOMEM;
	bytes_done(&header);
	bytes_clear(&perfetto->packet);
}

/* The track event that was made, as a packet. */
static void write_event(struct perfetto *perfetto, int64_t t)
{
	struct bytes *packet = &perfetto->packet;

	put_number(packet, PACKET_TIMESTAMP, (uint64_t)t);
	put_number(packet, PACKET_SEQUENCE_ID, SEQUENCE);
	put_number(packet, PACKET_SEQUENCE_FLAGS,
			   NEEDS_STATE | (perfetto->cleared ? STATE_CLEARED : 0));
	if (perfetto->dropped)
		put_number(packet, PACKET_PREVIOUS_DROPPED, 1);
	if (perfetto->names.length)
		put_message(packet, PACKET_INTERNED_DATA, &perfetto->names);
	put_message(packet, PACKET_TRACK_EVENT, &perfetto->event);
	write_packet(perfetto);
	perfetto->cleared = perfetto->dropped = false;
}

static void clear_names(struct perfetto *perfetto)
{
	serials_clear(&perfetto->interned);
	perfetto->cleared = true;
}

/* Whether a name is still to be told; it is regarded as told then. */
static bool is_new(struct perfetto *perfetto, unsigned table, uint64_t iid)
{
	uint64_t key = (uint64_t)table << 40 | iid;

	return !serials_find(&perfetto->interned, key, NULL) &&
		   (serials_set(&perfetto->interned, key, 0), true);
}

static void tell_name(struct perfetto *perfetto, unsigned table, uint64_t iid, const char *name)
{
	put_number(&perfetto->entry, ENTRY_IID, iid);
	put_text(&perfetto->entry, ENTRY_NAME, name);
	put_message(&perfetto->names, table, &perfetto->entry);
}

/* ---- Track events ------------------------------------------------------ */

static void begin_event(struct perfetto *perfetto, unsigned type, uint64_t uuid)
{
	if (perfetto->interned.count > INTERNED_MOST)
		clear_names(perfetto);
	put_number(&perfetto->event, EVENT_TYPE, type);
	put_number(&perfetto->event, EVENT_TRACK_UUID, uuid);
}

static void put_name(struct perfetto *perfetto, uint64_t iid, const char *name)
{
	if (is_new(perfetto, INTERNED_NAMES, iid))
		tell_name(perfetto, INTERNED_NAMES, iid, name);
	put_number(&perfetto->event, EVENT_NAME_IID, iid);
}

static void put_label(struct perfetto *perfetto, enum label label)
{
	put_name(perfetto, IID_LABEL + label, labels[label]);
}

static void put_category(struct perfetto *perfetto, unsigned kind)
{
	if (is_new(perfetto, INTERNED_CATEGORIES, kind + 1))
		tell_name(perfetto, INTERNED_CATEGORIES, kind + 1, trace_object_kind_name(kind));
	put_number(&perfetto->event, EVENT_CATEGORY_IIDS, kind + 1);
}

static void begin_note(struct perfetto *perfetto, enum annotation note)
{
	if (is_new(perfetto, INTERNED_ANNOTATION_NAMES, note + 1))
		tell_name(perfetto, INTERNED_ANNOTATION_NAMES, note + 1, notes[note]);
	put_number(&perfetto->annotation, ANNOTATION_NAME_IID, note + 1);
}

static void note_number(struct perfetto *perfetto, enum annotation note, uint64_t number)
{
	begin_note(perfetto, note);
	put_number(&perfetto->annotation, ANNOTATION_UINT, number);
	put_message(&perfetto->event, EVENT_ANNOTATIONS, &perfetto->annotation);
}

static void note_text(struct perfetto *perfetto, enum annotation note, const char *text)
{
	begin_note(perfetto, note);
	put_text(&perfetto->annotation, ANNOTATION_STRING, text);
	put_message(&perfetto->event, EVENT_ANNOTATIONS, &perfetto->annotation);
}

static void note_name(struct perfetto *perfetto, enum annotation note, uint32_t name)
{
	text_clear(&perfetto->text);
	export_add_name(&perfetto->text, perfetto->export, name, "");
	if (perfetto->text.length)
		note_text(perfetto, note, text_string(&perfetto->text));
}

/* Viewers put the annotations of both ends of a slice together: those of the end have other names.
 */
static void note_event(struct perfetto *perfetto, const struct trace_event *event, bool ends)
{
	struct session *session = perfetto->export->session;
	const char *kind = trace_event_name(event->kind), *site;

	note_number(perfetto, ends ? NOTE_END_N : NOTE_N, event->n);
	note_text(perfetto, ends ? NOTE_END_KIND : NOTE_KIND, kind ? kind : "unknown");
	if (!ends) {
		if (event->co)
			note_number(perfetto, NOTE_CO, event->co);
		note_name(perfetto, NOTE_NAME, event->name);
		if (event->peer)
			note_number(perfetto, NOTE_PEER, event->peer);
		note_name(perfetto, NOTE_PEER_NAME, event->peer_name);
	}
	if (event->value.kind != CORO_VALUE_ABSENT) {
		text_clear(&perfetto->text);
		text_add_value(&perfetto->text, session, &event->value, 0);
		note_text(perfetto, ends ? NOTE_END_VALUE : NOTE_VALUE, text_string(&perfetto->text));
	}
	site = event->site ? symbols_text(session_symbols(session), event->site,
									  event->flags & CORO_SLOT_FILELINE)
					   : "";
	if (*site)
		note_text(perfetto, ends ? NOTE_END_SITE : NOTE_SITE, site);
}

static void put_slice_name(struct perfetto *perfetto, const struct trace_event *event)
{
	const struct slice slice = {.kind = event->object_kind};
	const char *string = event->name ? trace_string(perfetto->export->trace, event->name) : NULL;

	if (slice_label(&slice)) {
		put_label(perfetto, event->object_kind == CORO_OBJECT_LOOP ? LABEL_TURN : LABEL_STEP);
	} else if (string && *string) {
		text_clear(&perfetto->text);
		export_add_name(&perfetto->text, perfetto->export, event->name, "");
		put_name(perfetto, IID_STRING + (uint64_t)event->name, text_string(&perfetto->text));
	} else {
		put_name(perfetto, IID_OBJECT + event->object_kind,
				 trace_object_kind_name(event->object_kind));
	}
}

static void put_event(void *context, const struct trace_event *event, uint64_t turn)
{
	static const unsigned types[] = {
		[TRACK_INSTANT] = TYPE_INSTANT, [TRACK_BEGIN] = TYPE_BEGIN, [TRACK_END] = TYPE_END};
	struct perfetto *perfetto = context;
	struct export *export = perfetto->export;
	const char *kind = trace_event_name(event->kind);
	struct track_step step;
	int r = tracks_event(&perfetto->tracks, event, &step);

	if (r < 0) {
		if (r == -ERANGE)
			export->report.omitted[EXPORT_THREAD]++;
		else
			export->sink.error = r;
		return;
	}
	begin_event(perfetto, types[step.action], TRACK_UUIDS + step.track);
	if (step.action != TRACK_END)
		put_category(perfetto, event->object_kind);
	if (step.action == TRACK_BEGIN)
		put_slice_name(perfetto, event);
	else if (step.action == TRACK_INSTANT)
		put_name(perfetto, IID_KIND + event->kind, kind ? kind : "unknown");
	note_event(perfetto, event, step.action == TRACK_END);
	if (step.flow_to)
		put_fixed(&perfetto->event, EVENT_FLOW_IDS, step.flow_to);
	if (step.flow_from)
		put_fixed(&perfetto->event, EVENT_TERMINATING_FLOW_IDS, step.flow_from);
	write_event(perfetto, step.t);
	export->report.exported++;
}

static void put_cut(void *context, const struct slice *slice, uint32_t ring, int64_t t)
{
	struct perfetto *perfetto = context;

	begin_event(perfetto, TYPE_END, TRACK_UUIDS + slice->track);
	note_text(perfetto, NOTE_END_KIND, "cut");
	write_event(perfetto, t);
}

/* ---- What is no event -------------------------------------------------- */

static void put_missing(struct perfetto *perfetto, enum label label, uint64_t uuid, int64_t t,
						uint64_t after, uint64_t count)
{
	perfetto->dropped = true;
	clear_names(perfetto);
	begin_event(perfetto, TYPE_INSTANT, uuid);
	put_label(perfetto, label);
	note_number(perfetto, NOTE_AFTER, after);
	note_number(perfetto, NOTE_COUNT, count);
	write_event(perfetto, t);
}

static void put_lost(void *context, uint64_t after, uint32_t ring, uint64_t count)
{
	struct perfetto *perfetto = context;
	uint32_t track;
	int64_t t;

	if (tracks_lost(&perfetto->tracks, ring, &track, &t) == 0)
		put_missing(perfetto, LABEL_LOST, TRACK_UUIDS + track, t, after, count);
}

static void put_unreadable(void *context, uint64_t first, uint64_t count)
{
	struct perfetto *perfetto = context;

	export_unreadable(context, first, count);
	tracks_cut_all(&perfetto->tracks);
	put_missing(perfetto, LABEL_UNREADABLE, PROCESS_UUID, perfetto->tracks.latest, first - 1,
				count);
}

static void put_output(void *context, const struct walk_line *line)
{
	struct perfetto *perfetto = context;

	begin_event(perfetto, TYPE_INSTANT, PROCESS_UUID);
	put_label(perfetto, LABEL_OUTPUT);
	note_number(perfetto, NOTE_AFTER, line->after);
	note_number(perfetto, NOTE_FD, (uint64_t)line->fd);
	note_text(perfetto, NOTE_TEXT, line->text);
	write_event(perfetto, line->t > 0 ? line->t : 0);
	perfetto->export->report.output++;
	perfetto->export->report.output_exported++;
}

/* ---- Clocks and tracks ------------------------------------------------- */

static void put_clock(struct perfetto *perfetto, unsigned id, uint64_t t)
{
	put_number(&perfetto->annotation, CLOCK_ID, id);
	put_number(&perfetto->annotation, CLOCK_TIMESTAMP, t);
	put_message(&perfetto->event, SNAPSHOT_CLOCKS, &perfetto->annotation);
}

static void put_clocks(struct perfetto *perfetto)
{
	put_clock(perfetto, CLOCK_BOOTTIME_ID, 0);
	put_clock(perfetto, CLOCK_REALTIME_ID, trace_meta(perfetto->export->trace)->real0);
	put_number(&perfetto->packet, PACKET_SEQUENCE_ID, SEQUENCE);
	put_number(&perfetto->packet, PACKET_FIRST_ON_SEQUENCE, 1);
	put_message(&perfetto->packet, PACKET_CLOCK_SNAPSHOT, &perfetto->event);
	write_packet(perfetto);
}

static void write_track(struct perfetto *perfetto)
{
	put_number(&perfetto->packet, PACKET_SEQUENCE_ID, SEQUENCE);
	put_message(&perfetto->packet, PACKET_TRACK_DESCRIPTOR, &perfetto->event);
	write_packet(perfetto);
}

static void put_process(struct perfetto *perfetto)
{
	const struct trace_meta *meta = trace_meta(perfetto->export->trace);
	struct bytes *process = &perfetto->annotation;

	text_clear(&perfetto->text);
	export_add_program(&perfetto->text, perfetto->export);
	put_number(process, PROCESS_PID, (uint64_t)(int32_t)meta->pid);
	put_text(process, PROCESS_CMDLINE, text_string(&perfetto->text));
	put_text(process, PROCESS_NAME, text_string(&perfetto->text));
	put_number(&perfetto->event, TRACK_UUID, PROCESS_UUID);
	put_number(&perfetto->event, TRACK_CHILD_ORDERING, ORDER_EXPLICIT);
	put_message(&perfetto->event, TRACK_PROCESS, process);
	write_track(perfetto);
}

static void put_track(void *context, uint32_t track)
{
	struct perfetto *perfetto = context;
	const struct track *it = &perfetto->tracks.track[track];
	uint32_t parent;

	text_clear(&perfetto->text);
	put_number(&perfetto->event, TRACK_UUID, TRACK_UUIDS + track);
	if (it->kind && tracks_thread(&perfetto->tracks, it->thread, &parent) == 0) {
		export_add_name(&perfetto->text, perfetto->export, it->name,
						trace_object_kind_name(it->kind));
		text_add(&perfetto->text, " #%" PRIu64, it->serial);
		put_number(&perfetto->event, TRACK_PARENT_UUID, TRACK_UUIDS + parent);
	} else {
		export_add_thread(&perfetto->text, it->thread);
		put_number(&perfetto->event, TRACK_PARENT_UUID, PROCESS_UUID);
		put_number(&perfetto->event, TRACK_CHILD_ORDERING, ORDER_EXPLICIT);
	}
	put_number(&perfetto->event, TRACK_ORDER_RANK, it->kind ? track : it->thread);
	put_text(&perfetto->event, TRACK_NAME, text_string(&perfetto->text));
	write_track(perfetto);
}

/* ---- The file ---------------------------------------------------------- */

int export_perfetto(struct export *export)
{
	struct perfetto perfetto = {
		.export = export,
		.tracks = {.added = put_track, .cut = put_cut},
		.cleared = true,
	};
	const struct walk walk = {
		.context = &perfetto,
		.event = put_event,
		.unreadable = put_unreadable,
		.output = put_output,
		.output_unreadable = export_output_unreadable,
		.lost = put_lost,
		.go_on = export_go_on,
	};

	perfetto.tracks.context = &perfetto;
	put_clocks(&perfetto);
	put_process(&perfetto);
	trace_walk(export->trace, 0, export->report.events, &walk);
	tracks_cut_all(&perfetto.tracks);
	export->report.cut = perfetto.tracks.cuts;
	export->report.moved = perfetto.tracks.moved;
	tracks_done(&perfetto.tracks);
	serials_done(&perfetto.interned);
	bytes_done(&perfetto.packet);
	bytes_done(&perfetto.event);
	bytes_done(&perfetto.annotation);
	bytes_done(&perfetto.names);
	bytes_done(&perfetto.entry);
	text_done(&perfetto.text);
	return 0;
}
