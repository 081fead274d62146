#include "watch.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two */

struct watch {
	struct watch_entry *buckets[BUCKETS];
};

/* The last bytes of a UUIDv7 are random. */
static struct watch_entry **bucket_of(struct watch *watch, const struct uuid *uuid)
{
	return &watch->buckets[(uuid->bytes[14] << 8 | uuid->bytes[15]) % BUCKETS];
}

struct watch *watch_new(void)
{
	return xcalloc(1, sizeof(struct watch));
}

void watch_free(struct watch *watch)
{
	free(watch);
}

void watch_add(struct watch *watch, struct watch_entry *entry)
{
	struct watch_entry **bucket = bucket_of(watch, &entry->uuid);

	entry->next = *bucket;
	entry->link = bucket;
	if (entry->next)
		entry->next->link = &entry->next;
	*bucket = entry;
}

void watch_remove(struct watch_entry *entry)
{
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
}

void watch_tell(struct watch *watch, const struct uuid *uuid)
{
	struct watch_entry *next;

	for (struct watch_entry *entry = *bucket_of(watch, uuid); entry; entry = next) {
		next = entry->next;
		if (memcmp(&entry->uuid, uuid, sizeof(*uuid)) == 0)
			entry->changed(entry);
	}
}

void watch_tell_all(struct watch *watch)
{
	struct watch_entry *next;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct watch_entry *entry = watch->buckets[i]; entry; entry = next) {
			next = entry->next;
			entry->changed(entry);
		}
}
