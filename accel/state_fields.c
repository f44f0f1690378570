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
    STATE_BUFFER(struct x86_state, ext.ymmh),
    STATE_ARRAY(struct x86_state, ext.opmask),
    STATE_BUFFER(struct x86_state, ext.zmmh),
    STATE_BUFFER(struct x86_state, ext.zmm16),
    F(ext.pkru),
#define MSR(index, name, ...) F(msr.name),
#include "target/x86/msr.def"
#undef MSR
    F(tsc), F(tsc_vtime),
    F(mp_state), F(inhibit_irq), F(inhibit_movss), F(nmi_masked), F(nmi_pending), F(init_pending),
    F(sipi_pending), F(sipi_vector), F(pv_unhalt),
    F(event), F(event_vector), F(event_has_error), F(event_error), F(db_pending),
    STATE_END,
};
