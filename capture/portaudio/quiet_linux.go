//go:build cgo

package portaudio

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

static void alsa(const char *file, int line, const char *function, int err, const char *format, ...) {}
static void jack(const char *message) {}

// set hands a library its handler, where the library is loaded and has one.
static void set(const char *name, void *handler) {
	void (*function)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, name);
	if (function != NULL)
		function(handler);
}

static void hush(void) {
	set("snd_lib_error_set_handler", (void *)alsa);
	set("jack_set_error_function", (void *)jack);
	set("jack_set_info_function", (void *)jack);
}
*/
import "C"

import "sync"

// hush keeps the libraries beneath PortAudio from writing to standard error, which is
// the log's: looking for devices, they tell at length of every card that is not there.
// What is wrong with a device that is there comes back as an error. Their handlers are
// asked for by name, as PortAudio may be built without either library, and standard
// error is left alone, as others write to it meanwhile.
var hush = sync.OnceFunc(func() { C.hush() })
