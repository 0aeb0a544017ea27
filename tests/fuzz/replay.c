/* SPDX-License-Identifier: MIT */
/*
 * Where there is no libFuzzer: give a target the files of a directory, one test each, in TAP. A
 * finding ends the program, and so the test.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static void replay(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat stat_of;
	uint8_t *bytes;

	must(file && !fstat(fileno(file), &stat_of));
	/* Just as large as the file, so that a sanitizer sees who reads past its end. */
	bytes = malloc(stat_of.st_size ? (size_t)stat_of.st_size : 1);
	must(bytes && fread(bytes, 1, (size_t)stat_of.st_size, file) == (size_t)stat_of.st_size);
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(bytes, (size_t)stat_of.st_size);
	free(bytes);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char *argv[])
{
	struct dirent **entries = NULL;
	char path[4096];
	int count;

	must(argc == 2);
	count = scandir(argv[1], &entries, is_input, alphasort);
	must(count > 0);
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
		replay(path);
		printf("ok %d - %s\n", i + 1, entries[i]->d_name);
		(void)fflush(stdout);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
