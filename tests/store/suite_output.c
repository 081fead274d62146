#include "fixture.h"
const struct suite_test suite_output[] = {{0}};
