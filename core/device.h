/* SPDX-License-Identifier: MIT */
/*
 * Devices: a type with its tables, an instance with its life.
 *
 *   new -> set properties -> realize -> (reset, run, save, load)* -> unrealize -> free
 *
 * `props` is the option table: -device NAME,help prints it, -global and -device set from it.
 * `state` declares the architectural fields: saving, restoring, the reset test and the
 * save->load->save test walk it. Everything that follows from state (line levels, timers'
 * host side) is recomputed in loaded(). All callbacks run under the machine lock.
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct chardev;
struct device;
struct net_client;

/* ---- Properties ----------------------------------------------------------------------- */

enum prop_kind {
    PROP_BOOL,    /* on/off, yes/no, true/false      bool */
    PROP_U8,      /* decimal or 0x                   uint8_t */
    PROP_U16,
    PROP_U32,
    PROP_U64,
    PROP_SIZE,    /* 512, 4k, 1M, 2G, 1T             uint64_t */
    PROP_STRING,  /* char *, owned by the device */
    PROP_ENUM,    /* one of `choices`                int, index into choices */
    PROP_CHARDEV, /* id of a -chardev                struct chardev * */
    PROP_DRIVE,   /* id of a -drive, or a node-name  struct blk *: the device's alone */
    PROP_NETDEV,  /* id of a -netdev                 struct net_client *: the other end */
    PROP_MAC,     /* 52:54:00:12:34:56               uint8_t[6]; zero: the next free one */
    PROP_ADDR,    /* PCI slot[.function]             int, slot * 8 + function, -1 = any */
    PROP_ORDER,   /* decimal, or -1: none            int */
};

struct prop {
    const char *name;
    enum prop_kind kind;
    size_t offset;
    const char *def;            /* default as it would be typed; NULL: zero / none */
    const char *help;
    const char *const *choices; /* PROP_ENUM: NULL-terminated */
};
#define PROP(T, field, nm, knd, dflt, hlp)                                                         \
    {.name = nm, .kind = knd, .offset = offsetof(T, field), .def = dflt, .help = hlp}

/* A row for devices that firmware may boot from. `f` is (or holds first) the struct device. */
#define PROP_BOOTINDEX(T, f)                                                                       \
    PROP(T, f.bootindex, "bootindex", PROP_ORDER, "-1",                                            \
         "place in the order that firmware tries, 0 first")

/* ---- Saved state ---------------------------------------------------------------------- */

enum state_kind {
    STATE_BYTES,  /* `size` raw bytes (arrays of bytes, buffers) */
    STATE_UINT,   /* unsigned little-endian integer(s) of elem_size 1, 2, 4, 8; enums too */
    STATE_TIMER,  /* struct timer: its deadline, or "not pending" */
    STATE_BOOL,   /* bool(s): restored only from 0 and 1 */
    STATE_BLOB,   /* GByteArray *: bytes that the type's saving() and loaded() understand */
};
struct state_field {
    const char *name;
    enum state_kind kind;
    size_t offset;
    size_t elem_size;
    size_t count; /* elements; 1 for a scalar; a blob's largest size */
};
#define STATE_KIND(lvalue) _Generic((lvalue), bool: STATE_BOOL, default: STATE_UINT)
/* Scalars and arrays of integers: STATE_FIELD(struct pit, count), or
 * STATE_FIELD(struct pit, ch[0].mode) */
#define STATE_FIELD(T, f)                                                                          \
    {.name = #f, .kind = STATE_KIND(((T *)0)->f), .offset = offsetof(T, f),                        \
     .elem_size = sizeof(((T *)0)->f), .count = 1}
#define STATE_ARRAY(T, f)                                                                          \
    {.name = #f, .kind = STATE_KIND(((T *)0)->f[0]), .offset = offsetof(T, f),                     \
     .elem_size = sizeof(((T *)0)->f[0]), .count = sizeof(((T *)0)->f) / sizeof(((T *)0)->f[0])}
#define STATE_BUFFER(T, f)                                                                         \
    {.name = #f, .kind = STATE_BYTES, .offset = offsetof(T, f), .elem_size = 1,                    \
     .count = sizeof(((T *)0)->f)}
#define STATE_TIMER_FIELD(T, f)                                                                    \
    {.name = #f, .kind = STATE_TIMER, .offset = offsetof(T, f), .elem_size = 8, .count = 1}
#define STATE_BLOB_FIELD(T, f, max)                                                                \
    {.name = #f, .kind = STATE_BLOB, .offset = offsetof(T, f), .elem_size = 1, .count = (max)}
#define STATE_END {.name = NULL}

/* ---- Types and instances -------------------------------------------------------------- */

/* Another name under which -device makes one, with properties preset: "a=b,c=d". */
struct device_form {
    const char *name, *preset;
};

struct device_type {
    const char *name;           /* QEMU's name: "isa-serial" */
    const char *alias;          /* second name or NULL */
    const struct device_form *forms; /* further names; ends with name == NULL; may be NULL */
    const char *help;           /* one line for -device help */
    const char *bus;            /* "ISA", "PCI", "System", "virtio-serial", ... */
    size_t size;                /* sizeof the struct that begins with struct device */
    const struct prop *props;   /* ends with name == NULL; may be NULL */
    const struct state_field *state; /* ends with name == NULL; may be NULL */
    uint16_t state_version;
    bool internal;              /* part of the board: not for -device */
    bool (*realize)(struct device *dev, GError **err);
    void (*reset)(struct device *dev);
    void (*saving)(struct device *dev);   /* state is about to be saved: fill blobs */
    void (*loaded)(struct device *dev);   /* after state was restored */
    void (*unrealize)(struct device *dev);
    /* Ask the guest to let go of the device; it ends (device_removed()) when the guest has. NULL:
     * it cannot be removed while the machine lives. */
    bool (*unplug)(struct device *dev, GError **err);
    /* OpenFirmware's path to it, for firmware's boot order; the caller frees it. NULL: none. */
    char *(*fw_path)(const struct device *dev);
};

struct device {
    const struct device_type *type;
    struct machine *machine;
    char *id;    /* -device id=, or NULL */
    char *path;  /* unique name in saved state and qtree: "isa-serial.0" */
    int bootindex; /* PROP_BOOTINDEX; -1: none */
    bool realized;
    GError *error; /* a -global that could not be applied: device_realize() returns it */
    struct device *parent_bus_owner; /* the device whose bus this one sits on; NULL: system */
};

/* All properties at their defaults. The machine's device list owns it once realized. */
struct device *device_new(struct machine *m, const struct device_type *type);
/* Set one property from text, as typed after -device NAME,. The error names the nearest
 * valid property. */
bool device_set(struct device *dev, const char *prop, const char *value, GError **err);
/* The value as text, or NULL when it has none (no string, no chardev). Owned by the caller. */
char *device_get(const struct device *dev, const struct prop *p);
bool device_set_chardev(struct device *dev, const char *prop, struct chardev *chardev,
                        GError **err);
bool device_realize(struct device *dev, GError **err);
/* Unrealize (if realized) and free. */
void device_free(struct device *dev);

/* device_del: the type's unplug(). */
bool device_unplug(struct device *dev, GError **err);
/* The guest has let go: free the device and say DEVICE_DELETED. */
void device_removed(struct device *dev);
/* Its path in the tree of objects that QMP shows: "/machine/peripheral/net0". The caller's. */
char *device_qom_path(const struct device *dev);
/* The device with that id, or with that path, or NULL. */
struct device *device_find(struct machine *m, const char *name);

void device_reset(struct device *dev);

/* Append the state of one device to out / restore it. Self-describing: type, path, version,
 * then (name, kind, elem_size, count, data) per field. Loading refuses unknown or missing
 * fields with the field's name. */
void device_save(struct device *dev, GByteArray *out);
bool device_load(struct device *dev, const uint8_t *data, size_t len, size_t *used, GError **err);

/* The type with this name, alias or form, or NULL. The list ends with NULL. */
const struct device_type *device_type_find(const struct device_type *const *types,
                                           const char *name);
/* The type's form of that name, or NULL. */
const struct device_form *device_form_find(const struct device_type *type, const char *name);

#endif
