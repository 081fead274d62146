#include "fixture.h"
const struct suite_test suite_outcome[] = {{0}};
