/* A libcuda.so.1 that answers what its environment says, so that kernels can be compiled, launchers be linked and the
 * failures of drivers be seen on a machine without a GPU. FAKE_DRV, FAKE_INIT, FAKE_COUNT, FAKE_CC (80 for 8.0).
 * A kernel that is launched does nothing and succeeds; what is asked by name through cuGetProcAddress and is not here
 * fails with FAKE_INIT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long pointer;

static int stated(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value ? atoi(value) : otherwise;
}

static int unserved(void) {
    int code = stated("FAKE_INIT", 0);
    return code ? code : 801; /* CUDA_ERROR_NOT_SUPPORTED */
}

int cuDriverGetVersion(int *version) { *version = stated("FAKE_DRV", 12040); return 0; }
int cuInit(unsigned flags) { (void)flags; return stated("FAKE_INIT", 0); }
int cuDeviceGetCount(int *count) { *count = stated("FAKE_COUNT", 0); return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = (size_t)80 << 30; return 0; }

int cuDeviceGetName(char *name, int length, int device) {
    (void)device;
    strncpy(name, "NVIDIA A100-SXM4-80GB", length);
    return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    int capability = stated("FAKE_CC", 80);
    switch (attribute) {
    case 75: *value = capability / 10; return 0;
    case 76: *value = capability % 10; return 0;
    case 8:                               /* shared memory of a block, and what it may opt in to */
    case 97: *value = 166912; return 0;
    case 16: *value = 108; return 0;      /* multiprocessors */
    case 10: *value = 32; return 0;       /* threads in a warp */
    default: *value = 0; return 0;
    }
}

int cuGetErrorName(int code, const char **name) {
    switch (code) {
    case 0: *name = "CUDA_SUCCESS"; return 0;
    case 34: *name = "CUDA_ERROR_STUB_LIBRARY"; return 0;
    case 100: *name = "CUDA_ERROR_NO_DEVICE"; return 0;
    case 801: *name = "CUDA_ERROR_NOT_SUPPORTED"; return 0;
    case 803: *name = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"; return 0;
    case 804: *name = "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"; return 0;
    default: *name = 0; return 1;
    }
}
int cuGetErrorString(int code, const char **text) { return cuGetErrorName(code, text); }

/* What torch's runtime asks of a driver before it says that there is no device. */
int cuGetExportTable(const void **table, const void *id) { (void)id; *table = 0; return unserved(); }
int cuGetProcAddress(const char *name, void **found, int version, unsigned long long flags) {
    (void)version; (void)flags;
    void *here = dlsym(RTLD_DEFAULT, name);
    *found = here ? here : (void *)unserved;
    return 0;
}
int cuGetProcAddress_v2(const char *name, void **found, int version, unsigned long long flags, int *status) {
    if (status) *status = 0;
    return cuGetProcAddress(name, found, version, flags);
}

/* What Triton's utilities and launchers call. Handles are any address that is not null. */
int cuCtxGetCurrent(void **context) { *context = (void *)1; return 0; }
int cuCtxSetCurrent(void *context) { (void)context; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = (void *)1; return 0; }
int cuModuleLoadData(void **module, const void *image) { (void)image; *module = (void *)1; return 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
    (void)module; (void)name;
    *function = (void *)1;
    return 0;
}
int cuFuncGetAttribute(int *value, int attribute, void *function) {
    (void)attribute; (void)function;
    *value = 0;
    return 0;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
    (void)function; (void)attribute; (void)value;
    return 0;
}
int cuFuncSetCacheConfig(void *function, int config) { (void)function; (void)config; return 0; }
int cuMemAlloc_v2(pointer *address, size_t bytes) { (void)address; (void)bytes; return 801; }
int cuMemFree_v2(pointer address) { (void)address; return 801; }
int cuMemcpyHtoD_v2(pointer to, const void *from, size_t bytes) { (void)to; (void)from; (void)bytes; return 801; }
int cuOccupancyMaxActiveClusters(int *count, void *function, const void *config) {
    (void)function; (void)config;
    *count = 0;
    return 0;
}
int cuPointerGetAttribute(void *data, int attribute, pointer address) {
    (void)attribute;
    *(pointer *)data = address;
    return 0;
}
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
    (void)function; (void)gx; (void)gy; (void)gz; (void)bx; (void)by; (void)bz;
    (void)shared; (void)stream; (void)parameters; (void)extra;
    return 0;
}
int cuLaunchKernelEx(const void *config, void *function, void **parameters, void **extra) {
    (void)config; (void)function; (void)parameters; (void)extra;
    return 0;
}
