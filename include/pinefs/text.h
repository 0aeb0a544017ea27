/* SPDX-License-Identifier: MIT */
/*
 * text: bytes that grow to a bound, and the few conversions every room needs:
 * escaping for people, percent-encoding for URLs, RFC 3339 times.
 *
 * Ground: knows no other room.
 */
#ifndef PINEFS_TEXT_H
#define PINEFS_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing run of bytes, always followed by a NUL that length doesn't count.
 * Zeroed but for max, it is empty and ready to use.
 */
struct pfs_buffer {
	char *bytes; /* owned; NULL while nothing was ever added */
	size_t length;
	size_t capacity;
	size_t max; /* never longer than this many bytes; 0: no more than 64 MiB */
	int error;  /* first failure, 0 or -errno; once set, every further add does nothing */
};

/* Bytes that are somebody else's: for how long they are there is said where they are lent. */
struct pfs_slice {
	const char *bytes; /* may be NULL if there are none */
	size_t length;
};

/*
 * Add bytes, one string, or formatted text at the end. 0; -EFBIG past max, -ENOMEM. The error
 * also stays in the buffer, so that a row of adds can be checked once.
 */
int pfs_buffer_add(struct pfs_buffer *buffer, const void *bytes, size_t length);
int pfs_buffer_add_string(struct pfs_buffer *buffer, const char *string);
int pfs_buffer_format(struct pfs_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Add bytes so that they can go to a terminal or a log: printable ASCII as it is, backslash
 * doubled, tab, newline, carriage return as \t \n \r, all else as \xHH. Well-formed UTF-8 is
 * kept but for C1 control characters.
 */
int pfs_buffer_add_escaped(struct pfs_buffer *buffer, const char *bytes, size_t length);

/* The same into a caller's array, cut at size - 1 bytes; never half an escape. Returns out. */
char *pfs_escape(const char *string, char *out, size_t size);

/* The same of what vprintf(3) makes of format; no more than PFS_ESCAPE_MAX - 1 bytes of that. */
#define PFS_ESCAPE_MAX 2048
char *pfs_escape_format(char *out, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* Empty it and keep its memory. */
void pfs_buffer_clear(struct pfs_buffer *buffer);

/* Give its memory back. Takes NULL and a buffer that was never used. */
void pfs_buffer_finish(struct pfs_buffer *buffer);

/*
 * Percent-encode all but the unreserved characters of RFC 3986, section 2.3, and add the result.
 * 0 or the error of pfs_buffer_add.
 */
int pfs_buffer_add_url_encoded(struct pfs_buffer *buffer, const char *bytes, size_t length);

/*
 * Can this name be the id of an object? 1 to 255 bytes of [A-Za-z0-9._-], no leading dot. What
 * can't is never asked for, and never listed.
 */
bool pfs_is_object_id(const char *name, size_t length);

/*
 * RFC 3339 date-time (section 5.6) to nanoseconds since the epoch: any number of fraction digits
 * (those past the ninth are dropped), Z or a numeric offset. 0, or -EINVAL.
 */
int pfs_time_parse(const char *text, int64_t *ret_ns);

/* The reverse, in UTC with six fraction digits; size of at least PFS_TIME_SIZE. Returns out. */
#define PFS_TIME_SIZE 40
char *pfs_time_format(int64_t ns, char *out, size_t size);

/* The name of an errno as in errno(3), "EIO"; "E?" for one that pinefs never uses. */
const char *pfs_errno_name(int error);

/*
 * Seconds, with a fraction if there is one ("5", "0.5"), to nanoseconds. 0; -EINVAL if it is no
 * such number, negative, or beyond 100 years.
 */
int pfs_seconds_parse(const char *text, int64_t *ret_ns);

#define PFS_SECOND	INT64_C(1000000000)
#define PFS_MILLISECOND INT64_C(1000000)

#endif
