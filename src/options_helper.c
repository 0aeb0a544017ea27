/* SPDX-License-Identifier: MIT */
/*
 * As mount.pinefs or mount.fuse.pinefs this program is called by mount(8), with letters that mean
 * something else to pinefs, such as -f. They are taken away before the command line is read.
 */
#include "pinefs/options.h"

#include <string.h>

static bool is_helper(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strncmp(slash ? slash + 1 : program, "mount.", 6);
}

/* One word, or several letters in one, of those that have no argument. */
static bool is_flags(const char *word)
{
	return word[0] == '-' && word[1] && !word[1 + strspn(word + 1, "fnsv")];
}

int pfs_options_take_helper(int argc, char *argv[], bool *ret_fake)
{
	int kept = 1;

	*ret_fake = false;
	if (argc < 1 || !is_helper(argv[0]))
		return argc;
	for (int i = 1; i < argc; i++) {
		if (is_flags(argv[i])) {
			*ret_fake |= strchr(argv[i], 'f') != NULL;
		} else if (!strcmp(argv[i], "-N") || !strcmp(argv[i], "-t")) {
			i++;
		} else {
			argv[kept++] = argv[i];
			if (!strcmp(argv[i], "-o") && i + 1 < argc)
				argv[kept++] = argv[++i];
		}
	}
	argv[kept] = NULL;
	return kept;
}
