/* SPDX-License-Identifier: MIT */
/* struct x86_state, field by field, as saved state has it (core/state.h). */
#include "accel/accel.h"

#define F(f) STATE_FIELD(struct x86_state, f)
#define SEG(n) F(seg[n].sel), F(seg[n].attr), F(seg[n].limit), F(seg[n].base)
#define FPR(n) F(fpr[n].mant), F(fpr[n].se)

const struct state_field x86_state_fields[] = {
    STATE_ARRAY(struct x86_state, gpr),
    F(rip), F(rflags),
    SEG(S_ES), SEG(S_CS), SEG(S_SS), SEG(S_DS), SEG(S_FS), SEG(S_GS), SEG(S_LDTR), SEG(S_TR),
    F(gdtr.base), F(gdtr.limit), F(idtr.base), F(idtr.limit),
    F(cr0), F(cr2), F(cr3), F(cr4), F(cr8),
    STATE_ARRAY(struct x86_state, pdpte),
    STATE_ARRAY(struct x86_state, dr),
    F(xcr0),
    FPR(0), FPR(1), FPR(2), FPR(3), FPR(4), FPR(5), FPR(6), FPR(7),
    F(fcw), F(fsw), F(ftw), F(fop), F(fcs), F(fds), F(fip), F(fdp), F(mxcsr),
    STATE_BUFFER(struct x86_state, xmm),
    STATE_BUFFER(struct x86_state, ymmh),
#define MSR(index, name, ...) F(msr.name),
#include "target/x86/msr.def"
#undef MSR
    F(tsc),
    F(mp_state), F(inhibit_irq), F(inhibit_movss), F(nmi_masked), F(nmi_pending), F(sipi_vector),
    F(exc_pending), F(exc_vector), F(exc_has_error), F(exc_soft), F(exc_error),
    STATE_END,
};
