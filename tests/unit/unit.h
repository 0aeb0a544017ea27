/* SPDX-License-Identifier: MIT */
/* unit: what every unit test includes: cmocka, and the headers that it wants before itself. */
#ifndef PINEFS_UNIT_H
#define PINEFS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
