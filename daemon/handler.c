#include "handler.h"

#include "util.h"

#include <string.h>

static const struct handler_ops *const all[] = {&handler_simulate, &handler_exec, &handler_http};

enum err handler_open(struct handler **handler, const struct handler_env *env, struct fail *fail)
{
	const char *spec = env->spec;
	size_t len = strcspn(spec, ":");
	const char *arguments = spec[len] ? spec + len + 1 : "";

	*handler = NULL;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (strlen(all[i]->scheme) == len && memcmp(all[i]->scheme, spec, len) == 0)
			return all[i]->open(handler, arguments, env, fail);
	return fail_set(fail, ERR_INVALID,
	    "handler \"%.80s\" is not known; there are: simulate, exec, http", spec);
}
