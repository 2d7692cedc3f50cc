/* A PKCS#11 module that hands everything on to SoftHSM (TOKEN_MODULE), but for one fault (TOKEN_FAULT).
 * Names and numbers are those of PKCS#11 2.40: the list of functions has a fixed order. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long ulong;
struct attribute { ulong type; void *value; ulong length; };
struct functions { unsigned char version[2]; void *of[68]; };
enum { LOGIN = 18, GET_ATTRIBUTE_VALUE = 24, DERIVE_KEY = 62 };
enum { CKR_GENERAL_ERROR = 0x05, CKR_DEVICE_REMOVED = 0x32, CKR_PIN_LOCKED = 0xa4, CKA_VALUE = 0x11 };

static struct functions *real, ours;

static int fault(const char *name) {
    const char *wanted = getenv("TOKEN_FAULT");
    return wanted && !strcmp(wanted, name);
}

static ulong locked(ulong session, ulong user, unsigned char *pin, ulong length) {
    (void)session, (void)user, (void)pin, (void)length;
    return CKR_PIN_LOCKED;
}

static ulong removed(ulong session, void *mechanism, ulong key, void *template, ulong count, ulong *derived) {
    (void)session, (void)mechanism, (void)key, (void)template, (void)count, (void)derived;
    return CKR_DEVICE_REMOVED;
}

/* The derived value with one bit changed, or a byte short. */
static ulong wrong(ulong session, ulong object, struct attribute *attributes, ulong count) {
    ulong (*get)(ulong, ulong, struct attribute *, ulong) = real->of[GET_ATTRIBUTE_VALUE];
    ulong answer = get(session, object, attributes, count);
    for (ulong i = 0; i < count && answer == 0; i++) {
        struct attribute *it = attributes + i;
        if (it->type != CKA_VALUE || it->length == 0) continue;
        if (!it->value) continue;
        if (fault("short")) it->length -= 1;
        else *(unsigned char *)it->value ^= 1;
    }
    return answer;
}

ulong C_GetFunctionList(struct functions **list) {
    void *module = dlopen(getenv("TOKEN_MODULE"), RTLD_NOW | RTLD_LOCAL);
    ulong (*get)(struct functions **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    if (!get || get(&real)) return CKR_GENERAL_ERROR;
    ours = *real;
    if (fault("locked")) ours.of[LOGIN] = locked;
    if (fault("removed")) ours.of[DERIVE_KEY] = removed;
    if (fault("wrong") || fault("short")) ours.of[GET_ATTRIBUTE_VALUE] = wrong;
    *list = &ours;
    return 0;
}
