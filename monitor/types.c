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
                    "numa-mem-supported:bool deprecated:bool acpi:bool"},
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

    /* ---- Objects ---- */
    {"ObjectPropertyInfo", "name:str type:str ?description:str ?default-value:any"},
    {"ObjectTypeInfo", "name:str ?abstract:bool ?parent:str"},

    /* ---- Disks ---- */
    {"BlockdevDriver", "enum file host_device raw qcow2"},
    {"BlockdevDiscardOptions", "enum ignore unmap"},
    {"BlockdevDetectZeroesOptions", "enum off on unmap"},
    {"BlockdevCacheOptions", "?direct:bool ?no-flush:bool"},
    {"BlockdevAioOptions", "enum threads native io_uring"},
    {"OnOffAuto", "enum auto on off"},
    {"BlockdevOptions",
     "union driver:BlockdevDriver ?node-name:str ?discard:BlockdevDiscardOptions "
     "?cache:BlockdevCacheOptions ?read-only:bool ?auto-read-only:bool ?force-share:bool "
     "?detect-zeroes:BlockdevDetectZeroesOptions | file=BlockdevOptionsFile "
     "host_device=BlockdevOptionsFile raw=BlockdevOptionsRaw qcow2=BlockdevOptionsQcow2"},
    {"BlockdevOptionsFile", "filename:str ?locking:OnOffAuto ?aio:BlockdevAioOptions"},
    {"BlockdevOptionsRaw", "file:BlockdevRef ?offset:int ?size:int"},
    {"BlockdevOptionsQcow2", "file:BlockdevRef ?backing:BlockdevRefOrNull ?lazy-refcounts:bool"},
    {"BlockdevRef", "alt BlockdevOptions str"},
    {"BlockdevRefOrNull", "alt BlockdevOptions str null"},
    {"BlockdevCacheInfo", "writeback:bool direct:bool no-flush:bool"},
    {"SnapshotInfo", "id:str name:str vm-state-size:int date-sec:int date-nsec:int "
                     "vm-clock-sec:int vm-clock-nsec:int ?icount:int"},
    {"ImageInfo", "filename:str format:str ?dirty-flag:bool ?actual-size:int virtual-size:int "
                  "?cluster-size:int ?encrypted:bool ?compressed:bool ?backing-filename:str "
                  "?full-backing-filename:str ?backing-filename-format:str "
                  "?snapshots:[SnapshotInfo] ?backing-image:ImageInfo ?format-specific:any"},
    {"BlockDeviceInfo",
     "file:str ?node-name:str ro:bool drv:str ?backing_file:str backing_file_depth:int "
     "encrypted:bool detect_zeroes:BlockdevDetectZeroesOptions bps:int bps_rd:int bps_wr:int "
     "iops:int iops_rd:int iops_wr:int image:ImageInfo cache:BlockdevCacheInfo "
     "write_threshold:int"},
    {"BlockDeviceIoStatus", "enum ok failed nospace"},
    {"BlockInfo", "device:str ?qdev:str type:str removable:bool locked:bool "
                  "?inserted:BlockDeviceInfo ?tray_open:bool ?io-status:BlockDeviceIoStatus"},
    {"BlockDeviceStats",
     "rd_bytes:int wr_bytes:int unmap_bytes:int rd_operations:int wr_operations:int "
     "flush_operations:int unmap_operations:int rd_total_time_ns:int wr_total_time_ns:int "
     "flush_total_time_ns:int unmap_total_time_ns:int wr_highest_offset:int rd_merged:int "
     "wr_merged:int unmap_merged:int ?idle_time_ns:int failed_rd_operations:int "
     "failed_wr_operations:int failed_flush_operations:int failed_unmap_operations:int "
     "invalid_rd_operations:int invalid_wr_operations:int invalid_flush_operations:int "
     "invalid_unmap_operations:int account_invalid:bool account_failed:bool timed_stats:[any]"},
    {"BlockStats", "?device:str ?qdev:str ?node-name:str stats:BlockDeviceStats ?parent:any "
                   "?backing:any"},
    {"BlockdevChangeReadOnlyMode", "enum retain read-only read-write"},

    /* ---- Screen, keys, pointer ---- */
    {"QKeyCode", "enum esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p"
                 " bracket_left bracket_right ret ctrl a s d f g h j k l semicolon"
                 " apostrophe grave_accent shift backslash z x c v b n m comma dot slash"
                 " shift_r asterisk kp_multiply alt spc caps_lock f1 f2 f3 f4 f5 f6 f7 f8"
                 " f9 f10 num_lock scroll_lock kp_7 kp_8 kp_9 kp_subtract kp_4 kp_5 kp_6"
                 " kp_add kp_1 kp_2 kp_3 kp_0 kp_decimal sysrq less f11 f12 kp_equals"
                 " katakanahiragana hiragana ro henkan muhenkan yen kp_comma audioprev"
                 " audionext kp_enter ctrl_r audiomute calculator audioplay audiostop"
                 " volumedown volumeup ac_home kp_divide print alt_r pause home up pgup"
                 " left right end down pgdn insert delete meta_l meta_r compose menu"
                 " power sleep wake ac_bookmarks ac_refresh ac_forward ac_back computer"
                 " mail mediaselect"},
    {"KeyValueKind", "enum number qcode"},
    {"IntWrapper", "data:int"},
    {"QKeyCodeWrapper", "data:QKeyCode"},
    {"KeyValue", "union type:KeyValueKind | number=IntWrapper qcode=QKeyCodeWrapper"},
    {"InputButton", "enum left middle right wheel-up wheel-down side extra wheel-left "
                    "wheel-right"},
    {"InputAxis", "enum x y"},
    {"InputKeyEvent", "key:KeyValue down:bool"},
    {"InputBtnEvent", "button:InputButton down:bool"},
    {"InputMoveEvent", "axis:InputAxis value:int"},
    {"InputKeyEventWrapper", "data:InputKeyEvent"},
    {"InputBtnEventWrapper", "data:InputBtnEvent"},
    {"InputMoveEventWrapper", "data:InputMoveEvent"},
    {"InputEventKind", "enum key btn rel abs"},
    {"InputEvent", "union type:InputEventKind | key=InputKeyEventWrapper "
                   "btn=InputBtnEventWrapper rel=InputMoveEventWrapper "
                   "abs=InputMoveEventWrapper"},
    {"MouseInfo", "name:str index:int current:bool absolute:bool"},
    {"ImageFormat", "enum ppm png"},

    {"BalloonInfo", "actual:int"},

    /* ---- PCI ---- */
    {"PciMemoryRange", "base:int limit:int"},
    {"PciMemoryRegion", "bar:int type:str address:int size:int ?prefetch:bool ?mem_type_64:bool"},
    {"PciBusInfo", "number:int secondary:int subordinate:int io_range:PciMemoryRange "
                   "memory_range:PciMemoryRange prefetchable_range:PciMemoryRange"},
    {"PciBridgeInfo", "bus:PciBusInfo ?devices:[PciDeviceInfo]"},
    {"PciDeviceClass", "?desc:str class:int"},
    {"PciDeviceId", "device:int vendor:int ?subsystem:int ?subsystem-vendor:int"},
    {"PciDeviceInfo", "bus:int slot:int function:int class_info:PciDeviceClass id:PciDeviceId "
                      "?irq:int irq_pin:int qdev_id:str ?pci_bridge:PciBridgeInfo "
                      "regions:[PciMemoryRegion]"},
    {"PciInfo", "bus:int devices:[PciDeviceInfo]"},

    /* ---- Dumps ---- */
    {"DumpGuestMemoryFormat", "enum elf kdump-zlib kdump-lzo kdump-snappy win-dmp"},
    {"DumpGuestMemoryCapability", "formats:[DumpGuestMemoryFormat]"},
    {"DumpStatus", "enum none active completed failed"},
    {"DumpQueryResult", "status:DumpStatus completed:int total:int"},

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
    {.name = "DUMP_COMPLETED", .data = "result:DumpQueryResult ?error:str"},
    {.name = "DEVICE_TRAY_MOVED", .data = "device:str id:str tray-open:bool"},
    {.name = "WATCHDOG", .data = "action:WatchdogAction", .limited = true},
    {.name = "MIGRATION", .data = "status:MigrationStatus"},
    {.name = "MIGRATION_PASS", .data = "pass:int"},
    {.name = "JOB_STATUS_CHANGE", .data = "id:str status:JobStatus"},
    {.name = NULL},
};
