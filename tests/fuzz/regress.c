/*
 * regress.c - each input of a folder, once, into a target.
 *
 *     regress FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include "fuzz.h"

static int run(const char *folder, const char *name)
{
	static uint8_t bytes[1 << 20];
	char path[4096];
	uint8_t *input;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return -1;
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	/* Memory of exactly that size, so that what reads beyond it is found. */
	input = malloc(size ? size : 1);
	if (!input)
		return -1;
	for (size_t i = 0; i < size; i++)
		input[i] = bytes[i];
	LLVMFuzzerTestOneInput(input, size);
	free(input);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
	unsigned count = 0;

	if (!folder)
		return 2;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		if (run(argv[1], entry->d_name) < 0) {
			perror(entry->d_name);
			return 1;
		}
		count++;
	}
	closedir(folder);
	printf("%u inputs\n", count);
	return count ? 0 : 1;
}
