/* SPDX-License-Identifier: MIT */
/* unit: what every unit test includes: cmocka, and the headers that it wants before itself. */
#ifndef PINEFS_UNIT_H
#define PINEFS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka 2 has this, and warns of assert_in_range, which is all that cmocka 1 has. */
#ifndef assert_uint_in_range
#define assert_uint_in_range(value, minimum, maximum) assert_in_range(value, minimum, maximum)
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
