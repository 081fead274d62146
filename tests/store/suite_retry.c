#include "fixture.h"
const struct suite_test suite_retry[] = {{0}};
