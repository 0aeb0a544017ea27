/* SPDX-License-Identifier: MIT */
/*
 * libcurl's memory is wiped when it is freed: its buffers have requests with the key in them, and a
 * key that was replaced would stay there until something overwrites it.
 */
#include "http.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(void *bytes)
{
	if (bytes)
		explicit_bzero(bytes, malloc_usable_size(bytes));
	free(bytes);
}

/* realloc(3) would leave the old bytes where they were. */
static void *wipe_and_move(void *bytes, size_t size)
{
	size_t before = bytes ? malloc_usable_size(bytes) : 0;
	void *moved = malloc(size ? size : 1);

	if (!moved)
		return NULL;
	if (bytes)
		memcpy(moved, bytes, before < size ? before : size);
	wipe_and_free(bytes);
	return moved;
}

CURLcode pfs_memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, wipe_and_move,
				    strdup, calloc);
}
