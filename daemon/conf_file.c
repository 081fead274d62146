/* The config file. */
#include "conf.h"

#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 65536
#define SPACE " \t\r\n"

/* The text without white space at both ends; cuts in place. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, SPACE);
	len = strlen(text);
	while (len > 0 && strchr(SPACE, text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* Cuts off a comment, which white space sets off from the value. */
static char *without_comment(char *value)
{
	for (char *hash = strchr(value, '#'); hash; hash = strchr(hash + 1, '#'))
		if (hash == value || strchr(SPACE, hash[-1])) {
			*hash = '\0';
			break;
		}
	return trim(value);
}

/* What stands in double quotes, which may hold a '#'; NULL when nothing but a comment may follow
 * and something does. */
static char *unquoted(char *value)
{
	char *end = strchr(++value, '"');

	if (!end)
		return NULL;
	*end = '\0';
	return *without_comment(end + 1) ? NULL : value;
}

/* Splits "key = value" in place. False: it is something else. */
static bool split(char *line, char **key, char **value)
{
	char *equals = strchr(line, '=');

	if (!equals)
		return false;
	*equals = '\0';
	*key = trim(line);
	*value = trim(equals + 1);
	*value = **value == '"' ? unquoted(*value) : without_comment(*value);
	return *value != NULL;
}

/* A set of the options that were seen, by their place in the table. */
static bool is_repeated(bool seen[CONF_OPTION_COUNT], const struct conf_option *option)
{
	size_t at = (size_t)(option - conf_options);
	bool repeated = seen[at];

	seen[at] = true;
	return repeated;
}

static const struct conf_option *find_key(
    const char *key, bool seen[CONF_OPTION_COUNT], const char *place, struct fail *fail)
{
	const struct conf_option *option = conf_option_by_name(key);

	if (!option || option == &conf_options[0]) { /* `config` names this file */
		fail_set(fail, ERR_INVALID, "%s: unknown key \"%.80s\"", place, key);
		return NULL;
	}
	if (is_repeated(seen, option)) {
		fail_set(fail, ERR_INVALID, "%s: key \"%s\" stands there twice", place, key);
		return NULL;
	}
	return option;
}

/* One line of the file, which is cut up in place. */
static enum err read_line(char *line, size_t len, const char *place, bool seen[CONF_OPTION_COUNT],
    conf_set_fn *set, void *arg, struct fail *fail)
{
	const struct conf_option *option;
	char *text, *key, *value;

	if (len > LINE_MAX_BYTES)
		return fail_set(fail, ERR_INVALID, "%s: the line has %zu bytes, more than %d",
		    place, len, LINE_MAX_BYTES);
	if (strlen(line) != len)
		return fail_set(fail, ERR_INVALID, "%s: the line has a NUL byte", place);
	text = trim(line);
	if (!*text || *text == '#')
		return ERR_OK;
	if (!split(text, &key, &value))
		return fail_set(
		    fail, ERR_INVALID, "%s: \"%.80s\" is not `key = value`", place, text);
	option = find_key(key, seen, place, fail);
	return option ? set(arg, option, value, place, fail) : fail->err;
}

enum err conf_file_read(const char *path, conf_set_fn *set, void *arg, struct fail *fail)
{
	bool seen[CONF_OPTION_COUNT] = {false};
	FILE *file = fopen(path, "re");
	char *line = NULL, *place;
	size_t size = 0;
	ssize_t len;

	if (!file)
		return fail_set(
		    fail, ERR_INVALID, "cannot open config file %s: %s", path, strerror(errno));
	fail->err = ERR_OK;
	for (int number = 1; !fail->err && (len = getline(&line, &size, file)) >= 0; number++) {
		place = xasprintf("%s:%d", path, number);
		read_line(line, (size_t)len, place, seen, set, arg, fail);
		free(place);
	}
	if (!fail->err && ferror(file))
		fail_set(
		    fail, ERR_INVALID, "cannot read config file %s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return fail->err;
}
