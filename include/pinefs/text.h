/* SPDX-License-Identifier: MIT */
/*
 * text: a buffer that grows up to a bound, and the few conversions that every room needs: escaping
 * for people, percent-encoding for URLs, RFC 3339 times.
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
 * A buffer of bytes, always followed by a NUL that length doesn't count. Zeroed but for max, it is
 * empty and ready to use.
 */
struct pfs_buffer {
	char *bytes; /* owned; NULL while nothing was ever added */
	size_t length;
	size_t capacity;
	size_t max; /* bytes that length can't exceed; 0: 64 MiB */
	int error;  /* of the first add that failed, 0 or -errno; each later add does nothing */
};

/* Bytes that somebody lends. Whoever does says for how long they are valid. */
struct pfs_slice {
	const char *bytes; /* may be NULL if length is 0 */
	size_t length;
};

/*
 * Append bytes, one string, or formatted text. 0; -EFBIG past max; -ENOMEM. The error also stays in
 * the buffer, so that one check is enough after several adds.
 */
int pfs_buffer_add(struct pfs_buffer *buffer, const void *bytes, size_t length);
int pfs_buffer_add_string(struct pfs_buffer *buffer, const char *string);
int pfs_buffer_format(struct pfs_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Append bytes, escaped for a terminal or a log: printable ASCII stays, a backslash is doubled;
 * tab, newline and carriage return become \t \n \r; well-formed UTF-8 stays, but for C1 control
 * characters; all else becomes \xHH.
 */
int pfs_buffer_add_escaped(struct pfs_buffer *buffer, const char *bytes, size_t length);

/*
 * Append bytes as the value of a label in Prometheus' text format: backslash, quote and newline are
 * escaped by a backslash. What is no well-formed UTF-8 becomes U+FFFD, byte by byte, and so do
 * other control characters, which a terminal might obey.
 */
int pfs_buffer_add_label(struct pfs_buffer *buffer, const char *bytes, size_t length);

/* Write a string, escaped so, to a caller's array, cut at size - 1 bytes, but never in the middle
 * of an escape. Returns out. */
char *pfs_escape(const char *string, char *out, size_t size);

/* Write what vprintf(3) makes of format (its first PFS_ESCAPE_MAX - 1 bytes) likewise. */
#define PFS_ESCAPE_MAX 2048
char *pfs_escape_format(char *out, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* Give back the memory that it doesn't use. */
void pfs_buffer_trim(struct pfs_buffer *buffer);

/* Empty it and keep its memory. */
void pfs_buffer_clear(struct pfs_buffer *buffer);

/* Free its memory. Takes NULL, and a buffer that was never used. */
void pfs_buffer_finish(struct pfs_buffer *buffer);

/*
 * Append bytes, percent-encoded but for the unreserved characters of RFC 3986, section 2.3. 0, or
 * the error of pfs_buffer_add.
 */
int pfs_buffer_add_url_encoded(struct pfs_buffer *buffer, const char *bytes, size_t length);

/* A hash of a text: FNV-1a, begun with a seed, or with the hash of a text that stands before. Who
 * chooses the text can choose the hash, unless the seed is random. */
uint64_t pfs_hash(uint64_t seed, const char *text);

/*
 * Can this name be the id of an object? 1 to 255 bytes of [A-Za-z0-9._-], no leading dot. pinefs
 * neither asks for other ids nor lists them.
 */
bool pfs_is_object_id(const char *name, size_t length);

/*
 * RFC 3339 date-time (section 5.6) to nanoseconds since the epoch: any number of fraction digits
 * (those past the ninth are dropped), Z or a numeric offset. 0, or -EINVAL.
 */
int pfs_time_parse(const char *text, int64_t *ret_ns);

/* Write a time as RFC 3339, in UTC with six fraction digits. size is at least PFS_TIME_SIZE.
 * Returns out. */
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
