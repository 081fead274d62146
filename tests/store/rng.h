/* Seeded random numbers for tests (SplitMix64): the same seed gives the same run everywhere. */
#ifndef INGESTD_TEST_RNG_H
#define INGESTD_TEST_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* From first to last, both included. */
static inline int64_t rng_range(struct rng *rng, int64_t first, int64_t last)
{
	return first + (int64_t)(rng_next(rng) % ((uint64_t)(last - first) + 1));
}

static inline bool rng_chance(struct rng *rng, int percent)
{
	return rng_range(rng, 0, 99) < percent;
}

#endif
