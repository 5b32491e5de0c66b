// The one door to Debian's libhiredis (0.14.1): its socket-free reply reader, its command formatter and its blocking
// connection. `Hiredis` is the only target that imports this module.
#ifndef CHIREDIS_SHIM_H
#define CHIREDIS_SHIM_H

#include <hiredis/hiredis.h>

#endif
