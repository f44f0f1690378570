/* SPDX-License-Identifier: MIT */
/*
 * The VNC server: the guest's screen, keyboard and pointer for programs that speak the RFB
 * protocol. Main thread, machine lock held for everything here.
 */
#ifndef UI_VNC_H
#define UI_VNC_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct machine;

/* Does the text of -vnc say that there is no server? Its syntax is checked; nothing is opened. */
bool vnc_check(const char *text, GError **err);
bool vnc_is_none(const char *text);
/* Listen as -vnc says: [HOST]:N | unix:PATH [,KEY=VALUE...]. The server goes with the machine. */
bool vnc_open(struct machine *m, const char *text, GError **err);

/* Whoever comes next needs this password; NULL or "": nobody gets in. Servers without
 * password=on refuse to have one. */
bool vnc_set_password(struct machine *m, const char *password, GError **err);
/* After that many seconds since 1970 the password is worth nothing; INT64_MAX: never. */
bool vnc_expire_password(struct machine *m, int64_t when, GError **err);

/* `info vnc`, query-vnc (of the first server; {"enabled": false} without one),
 * query-vnc-servers. The caller owns what it gets. */
void vnc_describe(struct machine *m, GString *out);
json_t *vnc_query(struct machine *m);
json_t *vnc_query_servers(struct machine *m);

#endif
