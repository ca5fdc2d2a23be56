/* wire.c - see wire.h. */
#include "wire/wire.h"
