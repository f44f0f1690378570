/* SPDX-License-Identifier: MIT */
/*
 * MC146818A real-time clock plus RAM. Motorola MC146818A data sheet; 128 bytes and the century
 * byte 32h as in a PC.
 *
 * Modelled: time and date in BCD or binary, 12 or 24 hours; SET, divider reset, UIP; periodic,
 * alarm and update-ended interrupts. Nothing ticks: the registers follow from a clock when
 * somebody looks, flags are computed for the time that has passed, and a host timer exists
 * only while an enabled interrupt is to come and the line is low. Not modelled: daylight
 * saving (DSE), the square wave, time bases other than 32768 Hz.
 */
#include "hw/timer/mc146818.h"
#include "hw/timer/mc146818_regs.h"
#include "core/event.h"
#include "core/machine.h"

#include <string.h>
#include <time.h>

/* ---- Time ------------------------------------------------------------------------------------ */

static int64_t floor_seconds(int64_t ns)
{
    int64_t s = ns / NSEC_PER_SEC;
    return ns % NSEC_PER_SEC < 0 ? s - 1 : s;
}

static int64_t rtc_now(const struct mc146818 *s)
{
    return clock_now(s->clock) + s->base_ns;
}

static bool divider_reset(uint8_t a)
{
    return (a & RTC_A_DV_RESET) == RTC_A_DV_RESET;
}

/* SET or a divider held in reset: the time registers belong to the guest. */
static bool held(const struct mc146818 *s)
{
    return (s->cmos[RTC_B] & RTC_B_SET) || divider_reset(s->cmos[RTC_A]);
}

static uint8_t encode(const struct mc146818 *s, unsigned v)
{
    return s->cmos[RTC_B] & RTC_B_BINARY ? v : (v / 10 % 10) << 4 | v % 10;
}

static unsigned decode(const struct mc146818 *s, uint8_t v)
{
    return s->cmos[RTC_B] & RTC_B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct mc146818 *s, unsigned hour)
{
    if (s->cmos[RTC_B] & RTC_B_24H)
        return encode(s, hour);
    return encode(s, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? RTC_PM : 0);
}

static unsigned decode_hour(const struct mc146818 *s, uint8_t v)
{
    if (s->cmos[RTC_B] & RTC_B_24H)
        return decode(s, v);
    return decode(s, v & ~RTC_PM) % 12 + (v & RTC_PM ? 12 : 0);
}

#define MAX_SECONDS 8000000000ll /* of the date, either side of 1970 */

/* Registers from the clock, unless the guest holds them. */
static void refresh(struct mc146818 *s)
{
    if (held(s))
        return;
    time_t t = floor_seconds(rtc_now(s));
    struct tm tm;
    gmtime_r(&t, &tm);
    s->cmos[RTC_SECONDS] = encode(s, tm.tm_sec);
    s->cmos[RTC_MINUTES] = encode(s, tm.tm_min);
    s->cmos[RTC_HOURS] = encode_hour(s, tm.tm_hour);
    s->cmos[RTC_WEEKDAY] = encode(s, tm.tm_wday + 1);
    s->cmos[RTC_DAY] = encode(s, tm.tm_mday);
    s->cmos[RTC_MONTH] = encode(s, tm.tm_mon + 1);
    s->cmos[RTC_YEAR] = encode(s, tm.tm_year % 100);
    unsigned century = (tm.tm_year + 1900) / 100;
    s->cmos[RTC_CENTURY] = (century / 10 % 10) << 4 | century % 10;
}

/* How far the guest has put the clock off what -rtc base= said, in seconds. */
static void tell_change(struct mc146818 *s)
{
    g_autofree char *path = device_qom_path(&s->dev);
    int64_t off = floor_seconds(s->base_ns - s->start_ns + NSEC_PER_SEC / 2);

    machine_event(s->dev.machine, "RTC_CHANGE", json_pack("{s:I, s:s}", "offset",
                                                          (json_int_t)off, "qom-path", path));
}

/* The clock from the registers; the fraction of the second goes on as it was, or is given. */
static void set_time(struct mc146818 *s, int64_t fraction)
{
    uint8_t century = s->cmos[RTC_CENTURY];
    struct tm tm = {
        .tm_sec = decode(s, s->cmos[RTC_SECONDS]),
        .tm_min = decode(s, s->cmos[RTC_MINUTES]),
        .tm_hour = decode_hour(s, s->cmos[RTC_HOURS]),
        .tm_mday = decode(s, s->cmos[RTC_DAY]),
        .tm_mon = (int)decode(s, s->cmos[RTC_MONTH]) - 1,
        .tm_year = decode(s, s->cmos[RTC_YEAR]) +
                   ((century >> 4) * 10 + (century & 15)) * 100 - 1900,
    };
    /* Nanoseconds in 64 bits reach from 1678 to 2262; the registers reach further. */
    int64_t seconds = CLAMP(timegm(&tm), -MAX_SECONDS, MAX_SECONDS);
    if (fraction < 0)
        fraction = rtc_now(s) - floor_seconds(rtc_now(s)) * NSEC_PER_SEC;
    s->base_ns = seconds * NSEC_PER_SEC + fraction - clock_now(s->clock);
    s->seen_s = seconds;
    tell_change(s);
}

/* ---- Flags and interrupts -------------------------------------------------------------------- */

static bool alarm_matches(uint8_t reg, unsigned alarm, unsigned now)
{
    return (reg & RTC_DONT_CARE) == RTC_DONT_CARE || alarm == now;
}

/* The first second after t where the alarm matches; INT64_MAX if none within a day. */
static int64_t next_alarm(const struct mc146818 *s, int64_t t)
{
    uint8_t hr = s->cmos[RTC_HOURS_ALARM], mr = s->cmos[RTC_MINUTES_ALARM],
            sr = s->cmos[RTC_SECONDS_ALARM];
    unsigned hour = decode_hour(s, hr), minute = decode(s, mr), second = decode(s, sr);
    int64_t end = ++t + 86400;
    while (t < end) {
        unsigned of_day = ((t % 86400) + 86400) % 86400;
        if (!alarm_matches(hr, hour, of_day / 3600))
            t += 3600 - of_day % 3600;
        else if (!alarm_matches(mr, minute, of_day / 60 % 60))
            t += 60 - of_day % 60;
        else if (!alarm_matches(sr, second, of_day % 60))
            t++;
        else
            return t;
    }
    return INT64_MAX;
}

/* Ticks of the 32768 Hz divider between periodic edges; 0: none. */
static int64_t periodic_ticks(const struct mc146818 *s)
{
    unsigned rs = s->cmos[RTC_A] & RTC_A_RS;
    if (!rs || (s->cmos[RTC_A] & RTC_A_DV) != RTC_A_DV_32K)
        return 0;
    return 1 << (rs <= 2 ? rs + 6 : rs - 1);
}

static int64_t divider_tick(const struct mc146818 *s)
{
    return muldiv64(clock_now(&s->dev.machine->vclock), 32768, NSEC_PER_SEC);
}

/* Set the flags for the time that has passed. */
static void account(struct mc146818 *s)
{
    int64_t second = floor_seconds(rtc_now(s)), tick = divider_tick(s), period = periodic_ticks(s);
    if (!held(s) && second > s->seen_s) {
        s->cmos[RTC_C] |= RTC_C_UF;
        if (next_alarm(s, s->seen_s) <= second)
            s->cmos[RTC_C] |= RTC_C_AF;
    }
    if (period && tick / period != s->seen_tick / period)
        s->cmos[RTC_C] |= RTC_C_PF;
    s->seen_s = second;
    s->seen_tick = tick;
}

static void arm(struct mc146818 *s, bool waiting)
{
    uint8_t b = s->cmos[RTC_B];
    int64_t second = INT64_MAX, period = periodic_ticks(s);
    if (waiting && !held(s)) {
        if (b & RTC_B_UIE)
            second = s->seen_s + 1;
        else if (b & RTC_B_AIE)
            second = next_alarm(s, s->seen_s);
    }
    if (second != INT64_MAX)
        timer_set(&s->update_timer, second * NSEC_PER_SEC - s->base_ns);
    else
        timer_del(&s->update_timer);
    if (waiting && period && (b & RTC_B_PIE)) {
        int64_t edge = (s->seen_tick / period + 1) * period;
        timer_set(&s->periodic_timer, ((unsigned __int128)edge * NSEC_PER_SEC + 32767) / 32768);
    } else {
        timer_del(&s->periodic_timer);
    }
}

static void drive(struct mc146818 *s)
{
    bool level = s->cmos[RTC_C] & s->cmos[RTC_B] & RTC_C_FLAGS;
    s->cmos[RTC_C] = (s->cmos[RTC_C] & RTC_C_FLAGS) | (level ? RTC_C_IRQF : 0);
    irq_set(s->irq, level);
    arm(s, !level);
}

/* Every path ends here. */
static void rtc_update(struct mc146818 *s)
{
    account(s);
    drive(s);
}

static void rtc_fire(void *opaque)
{
    rtc_update(opaque);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static bool is_time(unsigned index)
{
    return index == RTC_CENTURY || (index <= RTC_YEAR && (index > RTC_HOURS || !(index & 1)));
}

static uint8_t read_a(const struct mc146818 *s)
{
    int64_t left = (floor_seconds(rtc_now(s)) + 1) * NSEC_PER_SEC - rtc_now(s);
    return s->cmos[RTC_A] | (!held(s) && left <= RTC_UIP_NS ? RTC_A_UIP : 0);
}

static uint8_t read_reg(struct mc146818 *s, unsigned index)
{
    uint8_t v;
    switch (index) {
    case RTC_A:
        return read_a(s);
    case RTC_C:
        rtc_update(s);
        v = s->cmos[RTC_C];
        s->cmos[RTC_C] = 0;
        rtc_update(s);
        return v;
    case RTC_D:
        return RTC_D_VRT;
    }
    if (is_time(index))
        refresh(s);
    return s->cmos[index];
}

/* A or B, whose SET and divider bits stop and start the clock. */
static void write_control(struct mc146818 *s, unsigned index, uint8_t v)
{
    account(s);
    refresh(s);
    bool was_held = held(s), was_reset = divider_reset(s->cmos[RTC_A]);
    if (index == RTC_A) {
        s->cmos[RTC_A] = v & ~RTC_A_UIP;
    } else {
        s->cmos[RTC_B] = v & RTC_B_SET ? v & ~RTC_B_UIE : v;
    }
    if (was_held && !held(s)) /* out of reset the first update comes after half a second */
        set_time(s, was_reset ? NSEC_PER_SEC / 2 : -1);
    rtc_update(s);
}

static void write_reg(struct mc146818 *s, unsigned index, uint8_t v)
{
    if (index == RTC_A || index == RTC_B) {
        write_control(s, index, v);
        return;
    }
    if (index == RTC_C || index == RTC_D)
        return;
    account(s);
    if (is_time(index))
        refresh(s);
    s->cmos[index] = v;
    if (is_time(index) && !held(s))
        set_time(s, -1);
    rtc_update(s);
}

static uint64_t rtc_read(void *dev, uint64_t off, unsigned size)
{
    struct mc146818 *s = dev;
    return off == 0 ? 0xff : read_reg(s, s->index);
}

static void rtc_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct mc146818 *s = dev;
    if (off == 1) {
        write_reg(s, s->index, val);
        return;
    }
    s->index = val & 0x7f;
    s->nmi_masked = val & 0x80;
}

static const struct region_ops rtc_ops = {.read = rtc_read, .write = rtc_write, .min = 1, .max = 1};

void mc146818_set_cmos(struct mc146818 *s, unsigned index, uint8_t value)
{
    if (index > RTC_D && index < sizeof(s->cmos) && index != RTC_CENTURY)
        s->cmos[index] = value;
}

/* ---- Device ---------------------------------------------------------------------------------- */

/* The RTC's time at this moment, by -rtc base=. */
static int64_t start_time(struct machine *m)
{
    if (m->config->rtc_base != INT64_MIN)
        return m->config->rtc_base * NSEC_PER_SEC;
    int64_t ns = clock_now(&m->hclock);
    if (m->config->rtc_localtime) {
        time_t t = floor_seconds(ns);
        struct tm tm;
        localtime_r(&t, &tm);
        ns += tm.tm_gmtoff * NSEC_PER_SEC;
    }
    return ns;
}

static bool rtc_realize(struct device *dev, GError **err)
{
    struct mc146818 *s = (struct mc146818 *)dev;
    struct machine *m = dev->machine;
    /* An instruction-counted machine must not see the host's clock tick. */
    s->clock = m->config->rtc_clock || m->config->icount ? &m->vclock : &m->hclock;
    s->base_ns = s->start_ns = start_time(m) - clock_now(s->clock);
    s->seen_s = floor_seconds(rtc_now(s));
    s->seen_tick = divider_tick(s);
    s->cmos[RTC_A] = RTC_A_DV_32K | 6;
    s->cmos[RTC_B] = RTC_B_24H;
    timer_init(&s->update_timer, s->clock, "rtc-update", rtc_fire, s);
    timer_init(&s->periodic_timer, &m->vclock, "rtc-periodic", rtc_fire, s);
    region_init_io(&s->io, "rtc", &rtc_ops, s, 2);
    return true;
}

static void rtc_reset(struct device *dev)
{
    struct mc146818 *s = (struct mc146818 *)dev;
    account(s);
    s->index = 0;
    s->nmi_masked = false;
    s->cmos[RTC_B] &= ~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
    s->cmos[RTC_C] = 0;
    rtc_update(s);
}

static void rtc_loaded(struct device *dev)
{
    struct mc146818 *s = (struct mc146818 *)dev;
    s->index &= 0x7f;
    drive(s);
}

static void rtc_unrealize(struct device *dev)
{
    struct mc146818 *s = (struct mc146818 *)dev;
    timer_del(&s->update_timer);
    timer_del(&s->periodic_timer);
    region_fini(&s->io);
}

static const struct state_field rtc_state[] = {
    STATE_BUFFER(struct mc146818, cmos),    STATE_FIELD(struct mc146818, index),
    STATE_FIELD(struct mc146818, nmi_masked), STATE_FIELD(struct mc146818, base_ns),
    STATE_FIELD(struct mc146818, seen_s),   STATE_FIELD(struct mc146818, seen_tick),
    STATE_END,
};

const struct device_type mc146818_type = {
    .name = "mc146818rtc",
    .help = "real-time clock and CMOS RAM",
    .bus = "ISA",
    .size = sizeof(struct mc146818),
    .state = rtc_state,
    .state_version = 1,
    .internal = true,
    .realize = rtc_realize,
    .reset = rtc_reset,
    .loaded = rtc_loaded,
    .unrealize = rtc_unrealize,
};
