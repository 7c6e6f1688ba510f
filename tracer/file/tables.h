#ifndef TRACER_FILE_TABLES_H
#define TRACER_FILE_TABLES_H
/*
 * tables.h - the small things of a trace, all in memory: strings, sites, modules, sources, losses.
 *
 * What is added while recording is also encoded, as entries of the next chunk of its
 * type, and waits for being written. Pointers that the tables hand out stay valid until
 * trace__tables_done(); nothing is ever changed or taken out.
 */
#include <tracer/trace.h>
#include <tracer/bytes.h>
#include "format.h"
#include "map.h"

struct loss {
	uint64_t after; /* event */
	uint32_t ring;
	uint64_t count;
};

/* Entries that are not in the file yet. */
struct pending {
	struct bytes payload;
	uint32_t count;
};

struct tables {
	bool recording; /* what is added waits in `pending` */
	struct block *blocks; /* owned; where all texts lie */

	const char **strings; /* owned array; texts in blocks */
	uint32_t string_count, string_room;
	struct map string_by_id;

	struct trace_site *sites;
	uint32_t site_count, site_room;
	struct map site_by_pc;

	struct trace_module *modules;
	uint32_t module_count, module_room;

	struct trace_source_text *sources;
	uint32_t source_count, source_room;

	struct loss *losses;
	uint32_t loss_count, loss_room;
	uint32_t losses_written;
	uint64_t lost;
	uint64_t damage, damage_written; /* of the segment; in the file an entry of LOST */

	struct pending pending[CHUNK_END]; /* by enum chunk_type */
};

void trace__tables_done(struct tables *tables);

/* A copy that lives as long as the tables, with a 0 after it; NULL: out of memory. */
const char *trace__tables_text(struct tables *tables, const char *text, size_t length);

/* 0; -ENOMEM; -EFBIG for a text that no chunk can hold. An id or a file that is there already
 * keeps what it has; a site gets the new answer. */
int trace__tables_add_string(struct tables *tables, uint32_t id, const char *text, size_t length);
int trace__tables_add_site(struct tables *tables, const struct trace_site *site);
int trace__tables_add_module(struct tables *tables, const struct trace_module *module);
int trace__tables_add_source(struct tables *tables, const char *file, const char *text,
							 size_t length);
int trace__tables_add_loss(struct tables *tables, const struct loss *loss);
/* By event: a recording that was gone on with may have written them in another order. */
void trace__tables_sort_losses(struct tables *tables);
void trace__tables_add_damage(struct tables *tables, uint64_t count);

const char *trace__tables_string(const struct tables *tables, uint32_t id);
const struct trace_site *trace__tables_site(const struct tables *tables, uint32_t site);
const struct trace_source_text *trace__tables_source(const struct tables *tables, const char *file);

/* Whether chunks of this type hold a table. */
bool trace__tables_has(unsigned type);
/* The entries of a type that wait, encoded; NULL: none. They are taken when the chunk was made. */
const struct pending *trace__tables_pending(struct tables *tables, unsigned type);
void trace__tables_taken(struct tables *tables, unsigned type);
/* Adds the entries of a chunk that was read. 0, -EBADMSG or -ENOMEM. */
int trace__tables_decode(struct tables *tables, unsigned type, const struct bytes *payload,
						 uint32_t count);

#endif
