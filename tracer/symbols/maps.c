/* maps.c - the parser of /proc/PID/maps; see maps.h. */
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELETED " (deleted)"

/* One line, with the blanks before the path passed. */
struct maps_line {
	uint64_t start, end, offset;
	bool executable;
	const char *path;
	size_t path_length; /* without " (deleted)" */
	bool deleted;
};

static bool parse_line(const char *line, size_t length, struct maps_line *ret)
{
	char head[128], permissions[5];
	int used = 0;
	size_t head_length = length < sizeof head - 1 ? length : sizeof head - 1;

	memcpy(head, line, head_length);
	head[head_length] = 0;
	if (sscanf(head, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %*u%n", &ret->start,
			   &ret->end, permissions, &ret->offset, &used) != 4 ||
		used == 0 || ret->start >= ret->end || strlen(permissions) != 4)
		return false;
	while ((size_t)used < length && line[used] == ' ')
		used++;
	ret->executable = permissions[2] == 'x';
	ret->path = line + used;
	ret->path_length = length - (size_t)used;
	ret->deleted =
		ret->path_length > strlen(DELETED) &&
		memcmp(ret->path + ret->path_length - strlen(DELETED), DELETED, strlen(DELETED)) == 0;
	if (ret->deleted)
		ret->path_length -= strlen(DELETED);
	return true;
}

static bool is_program_file(const struct maps_line *line)
{
	static const char *const not_files[] = {"/memfd:", "/dev/", "/SYSV"};

	if (line->path_length == 0 || line->path[0] != '/')
		return false;
	for (size_t i = 0; i < sizeof not_files / sizeof *not_files; i++)
		if (line->path_length >= strlen(not_files[i]) &&
			memcmp(line->path, not_files[i], strlen(not_files[i])) == 0)
			return false;
	return true;
}

/* Whether a line goes on with the image before it. A file may be mapped a second time right
 * below or above itself, as a library that reads programs does: offsets that begin again
 * are such a copy. Code may share a page of the file with what is before and behind it. */
static bool continues(const struct maps_image *image, uint64_t last_offset,
					  const struct maps_line *line)
{
	if (line->offset < last_offset ||
		(line->offset == last_offset && line->executable != (image->code == 0)))
		return false;
	return image->deleted == line->deleted && strlen(image->path) == line->path_length &&
		   memcmp(image->path, line->path, line->path_length) == 0;
}

/* Drops the last image when none of its lines was executable. */
static void close_image(struct maps *maps)
{
	if (maps->count > 0 && maps->image[maps->count - 1].code == 0)
		free(maps->image[--maps->count].path);
}

static int open_image(struct maps *maps, const struct maps_line *line)
{
	struct maps_image *image = reallocarray(maps->image, maps->count + 1, sizeof *maps->image);

	if (!image)
		return -ENOMEM;
	maps->image = image;
	image += maps->count;
	*image = (struct maps_image){
		.path = strndup(line->path, line->path_length),
		.deleted = line->deleted,
		.start = line->start,
	};
	if (!image->path)
		return -ENOMEM;
	maps->count++;
	return 0;
}

int maps_parse(const char *text, struct maps *ret)
{
	struct maps maps = {0};
	bool open = false;        /* the last image may go on */
	uint64_t last_offset = 0; /* of its last line */

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		struct maps_line parsed;
		struct maps_image *image;

		if (!parse_line(line, length, &parsed)) {
			open = false;
		} else if (parsed.path_length == 0 && open) {
			; /* the unnamed tail of its .bss: no end of the image */
		} else if (!is_program_file(&parsed)) {
			open = false;
		} else {
			if (!open || !continues(&maps.image[maps.count - 1], last_offset, &parsed)) {
				close_image(&maps);
				if (open_image(&maps, &parsed) < 0) {
					maps_done(&maps);
					return -ENOMEM;
				}
			}
			image = &maps.image[maps.count - 1];
			image->end = parsed.end;
			if (parsed.executable && image->code == 0) {
				image->code = parsed.start;
				image->code_offset = parsed.offset;
			}
			open = true;
			last_offset = parsed.offset;
		}
		line += length;
		line += *line == '\n';
	}
	close_image(&maps);
	*ret = maps;
	return 0;
}

/* The whole of a file whose size is not known before: malloc'ed, 0-terminated. */
static char *read_all(const char *path)
{
	size_t room = 1 << 16, length = 0;
	char *text = malloc(room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (text && fd >= 0) {
		ssize_t got = read(fd, text + length, room - length - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got < 0)
				length = 0;
			break;
		}
		length += (size_t)got;
		if (room - length < 2) {
			char *more = realloc(text, room *= 2);

			if (!more) {
				length = 0;
				break;
			}
			text = more;
		}
	}
	if (fd >= 0)
		close(fd);
	if (text && length == 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[length] = 0;
	return text;
}

int maps_read(uint32_t pid, struct maps *ret)
{
	char path[64];
	char *text;
	int result;

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/maps", pid);
	text = read_all(path);
	if (!text)
		return -ESRCH;
	result = maps_parse(text, ret);
	free(text);
	return result;
}

void maps_done(struct maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		free(maps->image[i].path);
	free(maps->image);
	*maps = (struct maps){0};
}

uint64_t maps_start_time(uint32_t pid)
{
	char path[64];
	const char *rest;
	char *text;
	uint64_t start = 0;

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
	text = read_all(path);
	if (!text)
		return 0;
	/* The program's name is in parentheses and may hold anything. */
	rest = strrchr(text, ')');
	for (unsigned field = 2; rest && field < 22; field++)
		rest = strchr(rest + 1, ' ');
	if (rest)
		start = strtoull(rest, NULL, 10);
	free(text);
	return start;
}
