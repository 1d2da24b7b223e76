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

// passOver takes a device out of ALSA's configuration, which ALSA has read once and
// keeps until a file of it changes. Its error is that there is no such device.
static void passOver(const char *device) {
	void **top = (void **)dlsym(RTLD_DEFAULT, "snd_config");
	int (*update)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "snd_config_update");
	int (*search)(void *, const char *, void **) = (int (*)(void *, const char *, void **))dlsym(RTLD_DEFAULT, "snd_config_search");
	int (*delete)(void *) = (int (*)(void *))dlsym(RTLD_DEFAULT, "snd_config_delete");
	void *node = NULL;
	if (top != NULL && update != NULL && search != NULL && delete != NULL &&
	    update() >= 0 && search(*top, device, &node) == 0)
		delete(node);
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

// a52 is ALSA's encoder of surround sound, from which nothing can be recorded.
// PortAudio tries every device that ALSA has, and this one brings FFmpeg and sixty
// other libraries into the process.
var a52 = C.CString("pcm.a52")

// passOver is to be called before PortAudio looks for devices.
func passOver() { C.passOver(a52) }
