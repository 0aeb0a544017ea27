/* SPDX-License-Identifier: MIT */
#include "dice.h"

/* Constants of the splitmix64 generator: a bijection that mixes every bit into every other. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t sim_dice_roll(uint64_t seed, uint64_t number, enum sim_salt salt)
{
	return mix(mix(mix(seed) ^ (uint64_t)salt) ^ number);
}

void sim_dice_uuid(uint64_t seed, uint64_t number, enum sim_salt salt, char ret_id[SIM_UUID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	uint64_t half[2];
	char *out = ret_id;

	half[0] = sim_dice_roll(seed, number, salt);
	half[1] = mix(half[0] ^ UINT64_C(0x5851f42d4c957f2d));
	half[0] = (half[0] & ~UINT64_C(0xf000)) | UINT64_C(0x4000); /* version 4 */
	half[1] = (half[1] & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);

	for (unsigned int nibble = 0; nibble < 32; nibble++) {
		if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20)
			*out++ = '-';
		*out++ = hex[half[nibble / 16] >> (60 - nibble % 16 * 4) & 15];
	}
	*out = '\0';
}
