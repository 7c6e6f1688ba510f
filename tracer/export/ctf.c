/*
 * ctf.c - Common Trace Format 1.8: a folder with `metadata`, which describes the bytes in TSDL, and
 * a stream file for each thread.
 *
 *     thread_1   [packet][packet][packet] ...      a packet: header, context, events
 *
 *     header     u32 magic c1fc1fc1, u8 uuid[16], u32 stream id 0, u64 instance: the thread
 *     context    u64 begin, u64 end, u64 content size, u64 packet size (both in bits),
 *                u64 number of the packet, u64 events discarded so far
 *     event      u8 id: its kind, 0: unknown; u64 time; the fields that stand in `metadata`
 *
 * All numbers are little-endian and stand at any byte. Times are ns since t = 0, and the clock says
 * what the wall clock said then. They never go back in a stream: where the trace says so, the
 * time is the one before.
 *
 * `events discarded` counts what was lost up to the end of its packet. So that it is told where it
 * happened, the packet ends there, and one without events follows, from the last event before
 * to the first one behind. A name that is none is the kind of the object; a value or place, "-".
 * Events that cannot be read are of nobody knows which thread: they are discarded events of a
 * stream of their own, `unreadable`, that has no other.
 *
 * A packet is written when it has PACKET_ENOUGH bytes, to the end of its file, which is open
 * only meanwhile: there may be more threads than descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "export_private.h"

#define MAGIC         0xc1fc1fc1u
#define PACKET_ENOUGH (60u << 10)
#define PACKET_HEADER 80u /* bytes of header and context */

struct stream {
	char name[24];       /* of the file */
	uint64_t instance;   /* ring + 1; 0: unreadable */
	struct bytes events; /* of the packet in the making */
	uint64_t packets;    /* written */
	uint64_t discarded;  /* so far */
	bool pending;        /* some of them are not in a packet yet */
	int64_t begin, last; /* times of the packet's begin, and of the last event; -1: none yet */
};

struct ctf {
	struct export *export; /* first */
	uint8_t uuid[16];
	struct stream *stream[CORO_RINGS]; /* each owned; NULL: nothing of the thread */
	struct stream *unreadable;         /* owned; NULL: all can be read */
	int64_t latest;                    /* time of the latest event */
	struct text text;
};

static void fail(struct ctf *ctf, int r)
{
	if (r < 0 && !ctf->export->sink.error)
		ctf->export->sink.error = r;
}

/* ---- Files ------------------------------------------------------------- */

static int append(struct ctf *ctf, const char *name, const void *bytes, size_t length)
{
	int fd = openat(ctf->export->fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	struct sink sink = {.fd = fd};
	int r;

	if (fd < 0)
		return -errno;
	sink_put(&sink, bytes, length);
	r = sink_flush(&sink);
	bytes_done(&sink.bytes);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	ctf->export->report.bytes += sink.written;
	return r;
}

/* The packet in the making; it ends at `end`. */
static void write_packet(struct ctf *ctf, struct stream *stream, int64_t end)
{
	uint64_t bits = (PACKET_HEADER + (uint64_t)stream->events.length) * 8;
	struct bytes packet = {0};

	bytes_put_fixed(&packet, MAGIC, 4);
	bytes_put(&packet, ctf->uuid, sizeof(ctf->uuid));
	bytes_put_fixed(&packet, 0, 4);
	bytes_put_fixed(&packet, stream->instance, 8);
	bytes_put_fixed(&packet, (uint64_t)(stream->begin < 0 ? end : stream->begin), 8);
	bytes_put_fixed(&packet, (uint64_t)end, 8);
	bytes_put_fixed(&packet, bits, 8);
	bytes_put_fixed(&packet, bits, 8);
	bytes_put_fixed(&packet, stream->packets++, 8);
	bytes_put_fixed(&packet, stream->discarded, 8);
	bytes_put(&packet, stream->events.data, stream->events.length);
	fail(ctf, packet.failed || stream->events.failed
				  ? -ENOMEM
				  : append(ctf, stream->name, packet.data, packet.length));
	bytes_done(&packet);
	bytes_clear(&stream->events);
	stream->pending = false;
	stream->begin = end;
}

/* A packet without events, for what was lost before `end`. A reader counts from packet to packet,
 * so there has to be one before it. */
static void write_discarded(struct ctf *ctf, struct stream *stream, int64_t end)
{
	uint64_t discarded = stream->discarded;

	if (!stream->packets) {
		stream->discarded = 0;
		write_packet(ctf, stream, end);
		stream->discarded = discarded;
	}
	write_packet(ctf, stream, end);
}

static void flush(struct ctf *ctf, struct stream *stream)
{
	if (stream->events.length)
		write_packet(ctf, stream, stream->last);
}

static struct stream *new_stream(struct ctf *ctf, const char *name, uint64_t instance)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		fail(ctf, -ENOMEM);
		return NULL;
	}
	snprintf(stream->name, sizeof(stream->name), name, instance);
	stream->instance = instance;
	stream->begin = stream->last = -1;
	return stream;
}

static struct stream *find_stream(struct ctf *ctf, uint32_t ring)
{
	if (!ctf->stream[ring])
		ctf->stream[ring] = new_stream(ctf, "thread_%" PRIu64, (uint64_t)ring + 1);
	return ctf->stream[ring];
}

static struct stream *find_unreadable(struct ctf *ctf)
{
	if (!ctf->unreadable)
		ctf->unreadable = new_stream(ctf, "unreadable", 0);
	return ctf->unreadable;
}

/* ---- Events ------------------------------------------------------------ */

static const char *object_label(unsigned kind)
{
	return kind ? trace_object_kind_name(kind) : "none";
}

/* Never an empty one: babeltrace2 2.0 takes an empty string for the one that its memory held
 * before. */
static void put_string(struct stream *stream, const char *string)
{
	if (!*string)
		string = "-";
	bytes_put(&stream->events, string, strlen(string) + 1);
}

static void put_name(struct ctf *ctf, struct stream *stream, uint32_t name, uint8_t kind)
{
	text_clear(&ctf->text);
	export_add_name(&ctf->text, ctf->export, name, object_label(kind));
	put_string(stream, text_string(&ctf->text));
}

/* In the order of `fields` below. */
static void put_fields(struct ctf *ctf, struct stream *stream, const struct trace_event *event)
{
	struct session *session = ctf->export->session;
	struct bytes *to = &stream->events;

	bytes_put_fixed(to, event->n, 8);
	bytes_put_fixed(to, event->co, 8);
	bytes_put_u8(to, event->object_kind);
	put_name(ctf, stream, event->name, event->object_kind);
	bytes_put_fixed(to, event->peer, 8);
	bytes_put_u8(to, event->peer_kind);
	put_name(ctf, stream, event->peer_name, event->peer_kind);
	bytes_put_u8(to, event->prev);
	bytes_put_u8(to, event->next);
	bytes_put_fixed(to, event->cseq, 4);
	bytes_put_u8(to, event->flags);
	text_clear(&ctf->text);
	text_add_value(&ctf->text, session, &event->value, 0);
	bytes_put_u8(to, event->value.kind);
	put_string(stream, text_string(&ctf->text));
	put_string(stream, event->site ? symbols_text(session_symbols(session), event->site,
												  event->flags & CORO_SLOT_FILELINE)
								   : "");
}

static void put_event(void *context, const struct trace_event *event, uint64_t turn)
{
	struct ctf *ctf = context;
	struct export_report *report = &ctf->export->report;
	bool known = trace_event_name(event->kind) != NULL;
	struct stream *stream;
	int64_t t = event->t;

	if (event->ring >= CORO_RINGS) {
		report->omitted[EXPORT_THREAD]++;
		return;
	}
	stream = find_stream(ctf, event->ring);
	if (!stream)
		return;
	if (t < 0 || t < stream->last) {
		report->moved++;
		t = stream->last < 0 ? 0 : stream->last;
	}
	if (stream->pending)
		write_discarded(ctf, stream, t);
	if (stream->begin < 0)
		stream->begin = t;
	stream->last = t;
	ctf->latest = t > ctf->latest ? t : ctf->latest;
	bytes_put_u8(&stream->events, known ? event->kind : 0);
	bytes_put_fixed(&stream->events, (uint64_t)t, 8);
	if (!known)
		bytes_put_u8(&stream->events, event->kind);
	put_fields(ctf, stream, event);
	report->exported++;
	if (stream->events.length >= PACKET_ENOUGH)
		flush(ctf, stream);
}

/* ---- What is missing --------------------------------------------------- */

static void discard(struct ctf *ctf, struct stream *stream, uint64_t count)
{
	if (!stream)
		return;
	flush(ctf, stream);
	stream->discarded += count;
	stream->pending = true;
}

static void put_lost(void *context, uint64_t after, uint32_t ring, uint64_t count)
{
	struct ctf *ctf = context;

	discard(ctf, ring < CORO_RINGS ? find_stream(ctf, ring) : find_unreadable(ctf), count);
}

static void put_unreadable(void *context, uint64_t first, uint64_t count)
{
	struct ctf *ctf = context;

	export_unreadable(context, first, count);
	discard(ctf, find_unreadable(ctf), count);
}

static void end_stream(struct ctf *ctf, struct stream *stream)
{
	if (!stream)
		return;
	flush(ctf, stream);
	if (stream->pending)
		write_discarded(ctf, stream, ctf->latest > stream->last ? ctf->latest : stream->last);
	bytes_done(&stream->events);
	free(stream);
}

/* ---- Metadata ---------------------------------------------------------- */

static const char types[] =
	"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n\n";

/* A string in quotation marks: it is filtered before. */
static void add_quoted(struct text *text, const char *string)
{
	text_add(text, "\"");
	for (; *string; string++)
		text_add(text, *string == '"' || *string == '\\' ? "\\%c" : "%c", *string);
	text_add(text, "\"");
}

static void add_variable(struct text *text, const char *name, const char *string)
{
	_cleanup_(text_done) struct text filtered = {0};

	text_add_filtered(&filtered, string, strlen(string));
	text_add(text, "\t%s = ", name);
	add_quoted(text, text_string(&filtered));
	text_add(text, ";\n");
}

static void add_uuid(struct text *text, const uint8_t uuid[16])
{
	for (unsigned i = 0; i < 16; i++)
		text_add(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

static void add_enum(struct text *text, const char *name, unsigned limit,
					 const char *(*label)(unsigned))
{
	text_add(text, "enum %s : uint8_t {\n", name);
	for (unsigned i = 0; i < limit; i++)
		text_add(text, "\t\"%s\" = %u%s\n", label(i), i, i + 1 < limit ? "," : "");
	text_add(text, "};\n");
}

static const char *value_label(unsigned kind)
{
	static const char *const names[] = {
#define X(number, NAME, name) [number] = #name,
		CORO_VALUE_KINDS(X)
#undef X
	};

	return names[kind];
}

static const char fields[] = "\t\tuint64_t n;\n"
							 "\t\tuint64_t co;\n"
							 "\t\tenum object co_kind;\n"
							 "\t\tstring { encoding = UTF8; } name;\n"
							 "\t\tuint64_t peer;\n"
							 "\t\tenum object peer_kind;\n"
							 "\t\tstring { encoding = UTF8; } peer_name;\n"
							 "\t\tenum state prev;\n"
							 "\t\tenum state next;\n"
							 "\t\tuint32_t cseq;\n"
							 "\t\tuint8_t flags;\n"
							 "\t\tenum value value_kind;\n"
							 "\t\tstring { encoding = UTF8; } value;\n"
							 "\t\tstring { encoding = UTF8; } site;\n";

static void add_event_class(struct text *text, unsigned id, const char *name)
{
	text_add(text,
			 "event {\n\tname = \"%s\";\n\tid = %u;\n\tstream_id = 0;\n\tfields := struct {\n",
			 name, id);
	if (!id)
		text_add(text, "\t\tuint8_t kind;\n");
	text_add(text, "%s\t};\n};\n", fields);
}

static void add_clock(struct text *text, const struct trace_meta *meta)
{
	text_add(
		text,
		"clock {\n\tname = \"trace\";\n\tdescription = \"time since the start of the trace\";\n"
		"\tfreq = 1000000000;\n\tprecision = 1;\n\toffset_s = %" PRIu64 ";\n\toffset = %" PRIu64
		";\n\tabsolute = false;\n};\n\n"
		"typealias integer { size = 64; align = 8; signed = false; map = clock.trace.value; } "
		":= time_t;\n\n",
		meta->real0 / 1000000000, meta->real0 % 1000000000);
}

static void add_metadata(struct ctf *ctf, struct text *text)
{
	const struct trace_meta *meta = trace_meta(ctf->export->trace);

	text_add(text, "/* CTF 1.8 */\n\n%strace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"", types);
	add_uuid(text, ctf->uuid);
	text_add(text, "\";\n\tbyte_order = le;\n\tpacket.header := struct {\n\t\tuint32_t magic;\n"
				   "\t\tuint8_t uuid[16];\n\t\tuint32_t stream_id;\n"
				   "\t\tuint64_t stream_instance_id;\n\t};\n};\n\nenv {\n");
	add_variable(text, "tracer_name", "coroscope");
	add_variable(text, "program", meta->program);
	add_variable(text, "arguments", meta->arguments ? meta->arguments : "");
	text_add(text, "\tvpid = %u;\n};\n\n", meta->pid);
	add_clock(text, meta);
	add_enum(text, "object", CORO_OBJECT_LIMIT, object_label);
	add_enum(text, "state", CORO_STATE_LIMIT, trace_state_name);
	add_enum(text, "value", CORO_VALUE_LIMIT, value_label);
	text_add(text,
			 "\nstream {\n\tid = 0;\n\tpacket.context := struct {\n"
			 "\t\ttime_t timestamp_begin;\n\t\ttime_t timestamp_end;\n"
			 "\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
			 "\t\tuint64_t packet_seq_num;\n\t\tuint64_t events_discarded;\n\t};\n"
			 "\tevent.header := struct {\n\t\tuint8_t id;\n\t\ttime_t timestamp;\n\t};\n};\n\n");
	add_event_class(text, 0, "unknown");
	for (unsigned kind = 1; kind < 256; kind++)
		if (trace_event_name(kind))
			add_event_class(text, kind, trace_event_name(kind));
}

/* The same trace has the same one: a version 8, of FNV-1a over what it says of its run. */
static void make_uuid(struct ctf *ctf)
{
	const struct trace_meta *meta = trace_meta(ctf->export->trace);
	const uint64_t words[] = {meta->pid, meta->clock0, meta->real0, meta->clock_hz};
	uint64_t hash[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

	for (unsigned half = 0; half < 2; half++) {
		for (size_t i = 0; i < sizeof(words); i++)
			hash[half] = (hash[half] ^ ((const uint8_t *)words)[i]) * UINT64_C(0x100000001b3);
		for (const char *c = meta->program; *c; c++)
			hash[half] = (hash[half] ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
		memcpy(ctf->uuid + 8 * half, &hash[half], 8);
	}
	ctf->uuid[6] = (ctf->uuid[6] & 0x0f) | 0x80;
	ctf->uuid[8] = (ctf->uuid[8] & 0x3f) | 0x80;
}

int export_ctf(struct export *export)
{
	_cleanup_(text_done) struct text metadata = {0};
	struct ctf ctf = {.export = export};
	const struct walk walk = {
		.context = &ctf,
		.event = put_event,
		.unreadable = put_unreadable,
		.output = export_no_output,
		.output_unreadable = export_output_unreadable,
		.lost = put_lost,
		.go_on = export_go_on,
	};

	make_uuid(&ctf);
	add_metadata(&ctf, &metadata);
	fail(&ctf, append(&ctf, "metadata", metadata.data, metadata.length));
	trace_walk(export->trace, 0, export->report.events, &walk);
	for (unsigned i = 0; i < CORO_RINGS; i++)
		end_stream(&ctf, ctf.stream[i]);
	end_stream(&ctf, ctf.unreadable);
	text_done(&ctf.text);
	return export->sink.error;
}
