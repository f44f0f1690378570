/* SPDX-License-Identifier: MIT */
/* The types and events of QMP that Hostel speaks: see schema.h for how a row is read. */
#include "monitor/schema.h"

const struct schema_type schema_types[] = {
    {"Empty", ""},

    /* ---- The protocol ---- */
    {"QMPCapability", "enum oob"},
    {"VersionTriple", "major:int minor:int micro:int"},
    {"VersionInfo", "qemu:VersionTriple package:str"},
    {"NameInfo", "?name:str"},
    {"CommandInfo", "name:str"},
    {"EventInfo", "name:str"},

    /* ---- The machine ---- */
    {"RunState", "enum debug inmigrate internal-error io-error paused postmigrate prelaunch "
                 "finish-migrate restore-vm running save-vm shutdown suspended watchdog "
                 "guest-panicked colo"},
    {"StatusInfo", "running:bool singlestep:bool status:RunState"},
    {"ShutdownCause", "enum none host-error host-qmp-quit host-qmp-system-reset host-signal "
                      "host-ui guest-shutdown guest-reset guest-panic subsystem-reset "
                      "snapshot-load"},
    {"GuestPanicAction", "enum pause poweroff run"},
    {"RebootAction", "enum reset shutdown"},
    {"ShutdownAction", "enum poweroff pause"},
    {"PanicAction", "enum pause shutdown exit-failure none"},
    {"WatchdogAction", "enum reset shutdown poweroff pause debug none inject-nmi"},
    {"UuidInfo", "UUID:str"},
    {"KvmInfo", "enabled:bool present:bool"},
    {"SysEmuTarget", "enum x86_64"},
    {"TargetInfo", "arch:SysEmuTarget"},
    {"MachineInfo", "name:str ?alias:str ?is-default:bool cpu-max:int hotpluggable-cpus:bool "
                    "numa-mem-supported:bool deprecated:bool ?default-cpu-type:str "
                    "?default-ram-id:str acpi:bool"},
    {"CurrentMachineParams", "wakeup-suspend-support:bool"},
    {"MemoryInfo", "base-memory:size ?plugged-memory:size"},
    {"Memdev", "?id:str size:size merge:bool dump:bool prealloc:bool share:bool"},
    {"CommandLineParameterType", "enum string boolean number size"},
    {"CommandLineParameterInfo", "name:str type:CommandLineParameterType ?help:str "
                                 "?default:str"},
    {"CommandLineOptionInfo", "option:str parameters:[CommandLineParameterInfo]"},
    {"IOThreadInfo", "id:str thread-id:int"},

    /* ---- Processors ---- */
    {"CpuInstanceProperties", "?node-id:int ?socket-id:int ?die-id:int ?cluster-id:int "
                              "?core-id:int ?thread-id:int"},
    {"CpuInfoFast", "cpu-index:int qom-path:str thread-id:int ?props:CpuInstanceProperties "
                    "target:SysEmuTarget"},
    {"HotpluggableCPU", "type:str vcpus-count:int props:CpuInstanceProperties ?qom-path:str"},
    {"CpuDefinitionInfo", "name:str ?migration-safe:bool static:bool "
                          "?unavailable-features:[str] typename:str ?alias-of:str "
                          "deprecated:bool"},
    {"CpuModelInfo", "name:str ?props:any"},
    {"CpuModelExpansionType", "enum static full"},
    {"CpuModelExpansionInfo", "model:CpuModelInfo"},

    /* ---- Viewers ---- */
    {"DisplayProtocol", "enum vnc spice"},
    {"SetPasswordAction", "enum keep fail disconnect"},
    {"VncAddressFamily", "enum ipv4 ipv6 unix vsock unknown"},
    {"VncClientInfo", "host:str service:str family:VncAddressFamily websocket:bool"},
    {"VncServerInfo", "host:str service:str family:VncAddressFamily websocket:bool ?auth:str"},
    {"VncInfo", "enabled:bool ?host:str ?family:VncAddressFamily ?service:str ?auth:str "
                "?clients:[VncClientInfo]"},
    {"VncInfo2", "id:str server:[VncServerInfo] clients:[VncClientInfo] auth:str"},

    /* ---- Character devices ---- */
    {"ChardevInfo", "label:str filename:str frontend-open:bool"},
    {"ChardevBackendInfo", "name:str"},
    {"ChardevReturn", "?pty:str"},
    {"ChardevBackendKind", "enum file pipe socket pty null stdio ringbuf memory"},
    {"ChardevBackend", "union type:ChardevBackendKind | file=ChardevFileWrapper "
                       "pipe=ChardevPipeWrapper socket=ChardevSocketWrapper "
                       "pty=ChardevCommonWrapper null=ChardevCommonWrapper "
                       "stdio=ChardevStdioWrapper ringbuf=ChardevRingbufWrapper "
                       "memory=ChardevRingbufWrapper"},
    {"ChardevCommonWrapper", "data:Empty"},
    {"ChardevFile", "out:str ?append:bool"},
    {"ChardevFileWrapper", "data:ChardevFile"},
    {"ChardevPipe", "device:str"},
    {"ChardevPipeWrapper", "data:ChardevPipe"},
    {"ChardevStdio", "?signal:bool"},
    {"ChardevStdioWrapper", "data:ChardevStdio"},
    {"ChardevRingbuf", "?size:int"},
    {"ChardevRingbufWrapper", "data:ChardevRingbuf"},
    {"ChardevSocket", "addr:SocketAddressLegacy ?server:bool ?wait:bool ?nodelay:bool "
                      "?reconnect:int"},
    {"ChardevSocketWrapper", "data:ChardevSocket"},
    {"SocketAddressType", "enum inet unix fd"},
    {"SocketAddressLegacy", "union type:SocketAddressType | inet=InetSocketAddressWrapper "
                            "unix=UnixSocketAddressWrapper fd=StringWrapper"},
    {"InetSocketAddress", "host:str port:str ?ipv4:bool ?ipv6:bool"},
    {"InetSocketAddressWrapper", "data:InetSocketAddress"},
    {"UnixSocketAddress", "path:str"},
    {"UnixSocketAddressWrapper", "data:UnixSocketAddress"},
    {"String", "str:str"},
    {"StringWrapper", "data:String"},
    {"DataFormat", "enum utf8 base64"},
    {"YankInstanceType", "enum chardev"},
    {"YankInstance", "union type:YankInstanceType | chardev=YankInstanceChardev"},
    {"YankInstanceChardev", "id:str"},

    /* ---- Saving and moving ---- */
    {"MigrationStatus", "enum none setup cancelling cancelled active postcopy-active "
                        "postcopy-paused postcopy-recover completed failed colo pre-switchover "
                        "device wait-unplug"},
    {"MigrationStats", "transferred:int remaining:int total:int duplicate:int skipped:int "
                       "normal:int normal-bytes:int dirty-pages-rate:int mbps:number "
                       "dirty-sync-count:int postcopy-requests:int page-size:int "
                       "multifd-bytes:int pages-per-second:int precopy-bytes:int "
                       "downtime-bytes:int postcopy-bytes:int dirty-sync-missed-zero-copy:int"},
    {"MigrationInfo", "?status:MigrationStatus ?ram:MigrationStats ?total-time:int "
                      "?expected-downtime:int ?downtime:int ?setup-time:int "
                      "?cpu-throttle-percentage:int ?error-desc:str"},
    {"MigrationCapability", "enum auto-converge events"},
    {"MigrationCapabilityStatus", "capability:MigrationCapability state:bool"},
    {"MigrateSetParameters", "?max-bandwidth:size ?downtime-limit:int "
                             "?throttle-trigger-threshold:int ?cpu-throttle-initial:int "
                             "?cpu-throttle-increment:int ?max-cpu-throttle:int"},
    {"MigrationParameters", "?max-bandwidth:size ?downtime-limit:int "
                            "?throttle-trigger-threshold:int ?cpu-throttle-initial:int "
                            "?cpu-throttle-increment:int ?max-cpu-throttle:int"},
    {"JobType", "enum snapshot-load snapshot-save snapshot-delete"},
    {"JobStatus", "enum undefined created running paused ready standby waiting pending aborting "
                  "concluded null"},
    {"JobInfo", "id:str type:JobType status:JobStatus current-progress:int total-progress:int "
                "?error:str"},
    {NULL, NULL},
};

const struct schema_event schema_events[] = {
    {.name = "SHUTDOWN", .data = "guest:bool reason:ShutdownCause"},
    {.name = "POWERDOWN"},
    {.name = "RESET", .data = "guest:bool reason:ShutdownCause"},
    {.name = "STOP"},
    {.name = "VNC_CONNECTED", .data = "server:VncServerInfo client:VncClientInfo"},
    {.name = "VNC_INITIALIZED", .data = "server:VncServerInfo client:VncClientInfo"},
    {.name = "VNC_DISCONNECTED", .data = "server:VncServerInfo client:VncClientInfo"},
    {.name = "RESUME"},
    {.name = "SUSPEND"},
    {.name = "WAKEUP"},
    {.name = "DEVICE_DELETED", .data = "?device:str path:str"},
    {.name = "RTC_CHANGE", .data = "offset:int qom-path:str", .limited = true},
    {.name = "GUEST_PANICKED", .data = "action:GuestPanicAction ?info:any"},
    {.name = "GUEST_CRASHLOADED", .data = "action:GuestPanicAction ?info:any"},
    {.name = "WATCHDOG", .data = "action:WatchdogAction", .limited = true},
    {.name = "MIGRATION", .data = "status:MigrationStatus"},
    {.name = "MIGRATION_PASS", .data = "pass:int"},
    {.name = "JOB_STATUS_CHANGE", .data = "id:str status:JobStatus"},
    {.name = NULL},
};
