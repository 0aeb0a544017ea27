/* SPDX-License-Identifier: MIT */
/* Here the function is defined that a fortified <string.h> would put an inline one in front of. */
#undef _FORTIFY_SOURCE
#include "wiped.h"

#include <string.h>

#include "unit.h"

static const char *wanted;
static unsigned count;

void wiped_begin(const char *text)
{
	wanted = text;
	count = 0;
}

unsigned wiped_count(void)
{
	return count;
}

/*
 * gcc knows of explicit_bzero that it reads nothing, and would warn of this reading if it could see
 * both at once.
 */
__attribute__((noinline)) static void wipe(void *bytes, size_t size)
{
	volatile char *byte = bytes;

	if (wanted && memmem(bytes, size, wanted, strlen(wanted)))
		count++;
	while (size--)
		*byte++ = 0;
}

void explicit_bzero(void *bytes, size_t size)
{
	wipe(bytes, size);
}

/* The same for programs that are compiled with _FORTIFY_SOURCE. */
void __explicit_bzero_chk(void *bytes, size_t size, size_t room);
void __explicit_bzero_chk(void *bytes, size_t size, size_t room)
{
	assert_true(size <= room);
	wipe(bytes, size);
}
