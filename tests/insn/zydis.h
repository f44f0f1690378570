/* SPDX-License-Identifier: MIT */
/* Zydis set up as a peer of our decoder: what the CPU does not have is switched off. */
#ifndef TESTS_INSN_ZYDIS_H
#define TESTS_INSN_ZYDIS_H

#include <Zydis/Zydis.h>

static inline void zydis_init(ZydisDecoder d[3])
{
    static const ZydisMachineMode mode[3] = {
        ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_MACHINE_MODE_LONG_64};
    static const ZydisStackWidth width[3] = {
        ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32, ZYDIS_STACK_WIDTH_64};
    static const ZydisDecoderMode off[] = {
        ZYDIS_DECODER_MODE_AMD_BRANCHES, ZYDIS_DECODER_MODE_KNC, ZYDIS_DECODER_MODE_MPX,
        ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_LZCNT, ZYDIS_DECODER_MODE_TZCNT,
        ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE};

    for (unsigned m = 0; m < 3; m++) {
        ZydisDecoderInit(&d[m], mode[m], width[m]);
        for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++)
            ZydisDecoderEnableMode(&d[m], off[i], ZYAN_FALSE);
    }
}

#endif
