#ifndef TRACER_SYMBOLS_SOURCE_H
#define TRACER_SYMBOLS_SOURCE_H
/*
 * source.h - the text of source files, by line.
 *
 * A file goes by the name that the compiler was given ("../demos/channel.c"), which
 * __FILE__ and DWARF have in common. Its text is that of the trace; when the trace has
 * none and files may be opened, it is read from disk, below the directory where the
 * compiler ran, and appended to the trace.
 *
 * From disk only regular files are read, never through a link at the end of the path, and
 * at most 16 MiB.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <tracer/trace.h>

struct sources;

/* `trace` outlives it. `disk`: files may be opened. */
int sources_new(struct trace *trace, bool disk, struct sources **ret);
void sources_free(struct sources *sources);

/* A directory where compilers ran: relative names without a better one are looked for there. */
int sources_add_directory(struct sources *sources, const char *directory);

/* The compiler, run in `directory`, was given `file`, and the program was written at
 * `built`. Returns the name it goes by from now on, owned by sources: relative if it is
 * below `directory`, unless another file goes by that name; NULL when memory is out. */
const char *sources_name(struct sources *sources, const char *file, const char *directory,
                         struct timespec built);

/* As symbols.h has them. */
int sources_line(struct sources *sources, const char *file, uint32_t line, const char **ret,
                 size_t *ret_length);
int sources_lines(struct sources *sources, const char *file);
bool sources_changed(struct sources *sources, const char *file);

#endif
