#include "fixture.h"
const struct suite_test suite_report[] = {{0}};
