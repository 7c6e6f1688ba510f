/* source.c - see source.h. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_BYTES_MOST (16u << 20)

struct source {
	struct source *after;  /* in sources.first; NULL: the last */
	char *name;            /* owned */
	char *directory;       /* owned; NULL: not known */
	struct timespec built; /* when the program that it is part of was written; 0: not known */
	struct timespec time;  /* of the file on disk; valid if `read` */
	char *read;            /* owned: the text, when it came from disk */
	const char *text;      /* NULL: not loaded, or there is none */
	size_t length;
	size_t *start; /* owned; where line i + 1 begins, and after the last line, `length` */
	uint32_t count;
	bool loaded; /* was looked for; `text` says whether with success */
};

struct sources {
	struct trace *trace; /* borrowed, outlives it */
	bool disk;
	struct source *first; /* owned */
	char **directory;     /* owned */
	size_t directories;
};

int sources_new(struct trace *trace, bool disk, struct sources **ret)
{
	struct sources *sources = calloc(1, sizeof *sources);

	if (!sources)
		return -ENOMEM;
	sources->trace = trace;
	sources->disk = disk;
	*ret = sources;
	return 0;
}

static void source_free(struct source *source)
{
	if (!source)
		return;
	free(source->name);
	free(source->directory);
	free(source->read);
	free(source->start);
	free(source);
}

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	while (sources->first) {
		struct source *source = sources->first;

		sources->first = source->after;
		source_free(source);
	}
	for (size_t i = 0; i < sources->directories; i++)
		free(sources->directory[i]);
	free(sources->directory);
	free(sources);
}

/* ---- Names ------------------------------------------------------------- */

int sources_add_directory(struct sources *sources, const char *directory)
{
	char **grown;

	for (size_t i = 0; i < sources->directories; i++)
		if (strcmp(sources->directory[i], directory) == 0)
			return 0;
	grown = reallocarray(sources->directory, sources->directories + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	sources->directory = grown;
	grown[sources->directories] = strdup(directory);
	if (!grown[sources->directories])
		return -ENOMEM;
	sources->directories++;
	return 0;
}

static struct source *find(struct sources *sources, const char *name)
{
	for (struct source *source = sources->first; source; source = source->after)
		if (strcmp(source->name, name) == 0)
			return source;
	return NULL;
}

static struct source *add(struct sources *sources, const char *name, const char *directory)
{
	struct source *source = calloc(1, sizeof *source);

	if (!source)
		return NULL;
	source->name = strdup(name);
	source->directory = directory ? strdup(directory) : NULL;
	if (!source->name || (directory && !source->directory)) {
		source_free(source);
		return NULL;
	}
	source->after = sources->first;
	sources->first = source;
	return source;
}

const char *sources_name(struct sources *sources, const char *file, const char *directory,
						 struct timespec built)
{
	size_t length = directory ? strlen(directory) : 0;
	const char *name = file;
	struct source *source;

	if (length > 0 && strncmp(file, directory, length) == 0 && file[length] == '/')
		name = file + length + 1;
	source = find(sources, name);
	if (source && directory && source->directory && *name != '/' &&
		strcmp(source->directory, directory) != 0) {
		name = file; /* the same relative name below two directories */
		source = find(sources, name);
	}
	if (!source)
		source = add(sources, name, directory);
	if (!source)
		return NULL;
	if (directory && !source->directory) {
		source->directory = strdup(directory);
		source->loaded = source->loaded && source->text;
	}
	if (source->built.tv_sec == 0)
		source->built = built;
	return source->name;
}

/* ---- Text -------------------------------------------------------------- */

/* Reads a regular file whole. */
static char *read_file(const char *path, size_t *ret_length, struct timespec *ret_time)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char *text = NULL;
	size_t length = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		status.st_size <= (off_t)SOURCE_BYTES_MOST)
		text = malloc((size_t)status.st_size + 1);
	while (text && length < (size_t)status.st_size) {
		ssize_t got = read(fd, text + length, (size_t)status.st_size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			text = NULL;
		}
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	close(fd);
	if (!text)
		return NULL;
	text[length] = 0;
	*ret_length = length;
	*ret_time = status.st_mtim;
	return text;
}

static bool read_below(struct source *source, const char *directory)
{
	char *path = NULL;

	if (asprintf(&path, "%s%s%s", directory, *directory ? "/" : "", source->name) < 0)
		return false;
	source->read = read_file(path, &source->length, &source->time);
	source->text = source->read;
	free(path);
	return source->text != NULL;
}

static void read_from_disk(struct sources *sources, struct source *source)
{
	if (*source->name == '/') {
		read_below(source, "");
	} else if (source->directory) {
		read_below(source, source->directory);
	} else {
		for (size_t i = 0; i < sources->directories; i++)
			if (read_below(source, sources->directory[i]))
				break;
	}
}

static int index_lines(struct source *source)
{
	const char *end = source->text + source->length;
	uint32_t count = 0;

	for (const char *at = source->text; at < end; count++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline ? newline + 1 : end;
	}
	source->start = calloc((size_t)count + 1, sizeof *source->start);
	if (!source->start)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const char *at = source->text + source->start[i];
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		source->start[i + 1] = newline ? (size_t)(newline + 1 - source->text) : source->length;
	}
	source->count = count;
	return 0;
}

static struct source *load(struct sources *sources, const char *file)
{
	struct source *source = find(sources, file);
	struct trace_source_text text;

	if (!source)
		source = add(sources, file, NULL);
	if (!source)
		return NULL;
	if (source->loaded)
		return source->text ? source : NULL;
	source->loaded = true;
	if (trace_find_source(sources->trace, file, &text) == 0) {
		source->text = text.text;
		source->length = text.length;
	} else if (sources->disk) {
		read_from_disk(sources, source);
		if (source->text) /* a trace that cannot grow costs only the copy */
			(void)trace_append_source(sources->trace, file, source->text, source->length);
	}
	if (source->text && index_lines(source) < 0)
		source->text = NULL;
	return source->text ? source : NULL;
}

int sources_line(struct sources *sources, const char *file, uint32_t line, const char **ret,
				 size_t *ret_length)
{
	struct source *source = load(sources, file);
	size_t length;

	if (!source || line == 0 || line > source->count)
		return -ENOENT;
	length = source->start[line] - source->start[line - 1];
	*ret = source->text + source->start[line - 1];
	if (length > 0 && (*ret)[length - 1] == '\n')
		length--;
	if (length > 0 && (*ret)[length - 1] == '\r')
		length--;
	*ret_length = length;
	return 0;
}

int sources_lines(struct sources *sources, const char *file)
{
	struct source *source = load(sources, file);

	return source ? (int)source->count : -ENOENT;
}

bool sources_changed(struct sources *sources, const char *file)
{
	struct source *source = load(sources, file);

	if (!source || !source->read || source->built.tv_sec == 0)
		return false;
	return source->time.tv_sec > source->built.tv_sec ||
		   (source->time.tv_sec == source->built.tv_sec &&
			source->time.tv_nsec > source->built.tv_nsec);
}
