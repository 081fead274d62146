#include "upstream_url.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

static bool has(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return there;
}

static bool begins_well(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

enum err upstream_url_check(const char *text, struct fail *fail)
{
	CURLU *url;
	CURLUcode code;

	if (!begins_well(text))
		return fail_set(fail, ERR_INVALID,
		    "handler http: \"%.80s\" does not begin with http:// or https://, as in "
		    "http:https://host/path",
		    text);
	url = curl_url();
	if (!url)
		abort();
	fail->err = ERR_OK;
	code = curl_url_set(url, CURLUPART_URL, text, 0);
	if (code != CURLUE_OK)
		fail_set(fail, ERR_INVALID, "handler http: this is not a URL: %s",
		    curl_url_strerror(code));
	else if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
		fail_set(fail, ERR_INVALID,
		    "handler http: the URL has a user or a password; put them into a header: see "
		    "--upstream-header-file");
	else if (has(url, CURLUPART_FRAGMENT))
		fail_set(fail, ERR_INVALID,
		    "handler http: \"%.80s\" has a fragment (#), which no server gets to see",
		    text);
	curl_url_cleanup(url);
	return fail->err;
}
