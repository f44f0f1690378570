/* SPDX-License-Identifier: MIT */
/*
 * Between the option table (options.c) and the handlers of its rows: options_machine.c fills
 * struct machine_config, options_host.c the lists of what stands around the machine.
 *
 * A handler gets the option's argument (NULL if the row takes none) and returns false with
 * *err set. options.c puts the option's name before the message.
 */
#ifndef OPTIONS_INT_H
#define OPTIONS_INT_H

#include "options.h"
#include "util/keyval.h"

typedef bool option_fn(struct options *o, const char *arg, GError **err);

/* options_machine.c */
option_fn opt_machine, opt_cpu, opt_accel, opt_enable_kvm, opt_smp, opt_memory, opt_boot, opt_rtc,
    opt_icount, opt_name, opt_uuid, opt_smbios, opt_fw_cfg;
bool options_machine_finish(struct options *o, GError **err);

/* options_programs.c */
option_fn opt_overcommit, opt_msg;

/* options_host.c */
option_fn opt_fda, opt_fdb, opt_audiodev;
option_fn opt_chardev, opt_serial, opt_monitor, opt_mon, opt_qmp, opt_qmp_pretty, opt_device,
    opt_object, opt_virtfs, opt_fsdev, opt_global, opt_drive,
    opt_hda, opt_hdb, opt_hdc, opt_hdd, opt_cdrom, opt_blockdev, opt_pflash, opt_display, opt_vga,
    opt_vnc,
    opt_none_only, opt_log, opt_action, opt_watchdog_action;
option_fn opt_netdev, opt_nic, opt_net;
bool options_host_finish(struct options *o, GError **err);

void options_list_machine_keys(json_t *parameters);
/* A CommandLineParameterInfo. */
void options_list_key(json_t *parameters, const char *name, const char *type, const char *help);

/* Ask for a help text unless one was asked for before. Returns true. */
bool options_ask(struct options *o, enum options_help help, const char *arg);
/* Replace *field with a copy of text. Returns true. */
bool options_string(char **field, const char *text);
/* text is "help" or "?". */
bool options_is_help(const char *text);

#endif
