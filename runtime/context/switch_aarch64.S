/*
 * switch_aarch64.S - from one stack to another.
 *
 *     coro_value coro__switch(void **save_sp, void *sp, coro_value value);
 *                             x0             x1        x2, x3 -> x0, x1
 *
 * Saves x19 to x30 and d8 to d15, swaps the stacks, restores. The layout stands in context.h.
 * It ends in `br`, not in `ret`, for the reason that switch_x86_64.S tells.
 */
/* What stands at the saved stack pointer. */
	.macro SAVE_REGISTERS
	sub	sp, sp, #160
	.cfi_adjust_cfa_offset 160
	stp	d8, d9, [sp, #0]
	stp	d10, d11, [sp, #16]
	stp	d12, d13, [sp, #32]
	stp	d14, d15, [sp, #48]
	stp	x19, x20, [sp, #64]
	stp	x21, x22, [sp, #80]
	stp	x23, x24, [sp, #96]
	stp	x25, x26, [sp, #112]
	stp	x27, x28, [sp, #128]
	stp	x29, x30, [sp, #144]
	.cfi_rel_offset d8, 0
	.cfi_rel_offset d9, 8
	.cfi_rel_offset d10, 16
	.cfi_rel_offset d11, 24
	.cfi_rel_offset d12, 32
	.cfi_rel_offset d13, 40
	.cfi_rel_offset d14, 48
	.cfi_rel_offset d15, 56
	.cfi_rel_offset x19, 64
	.cfi_rel_offset x20, 72
	.cfi_rel_offset x21, 80
	.cfi_rel_offset x22, 88
	.cfi_rel_offset x23, 96
	.cfi_rel_offset x24, 104
	.cfi_rel_offset x25, 112
	.cfi_rel_offset x26, 120
	.cfi_rel_offset x27, 128
	.cfi_rel_offset x28, 136
	.cfi_rel_offset x29, 144
	.cfi_rel_offset x30, 152
	.endm

	.text
	.globl	coro__switch
	.type	coro__switch, %function
	.p2align 4
coro__switch:
	.cfi_startproc
	hint	#34 /* bti c */
	SAVE_REGISTERS

.Lout:
	mov	x4, sp
	str	x4, [x0]
	mov	sp, x1
	.globl	coro__switch_resume
	.hidden	coro__switch_resume
coro__switch_resume:
	mov	x0, x2
	mov	x1, x3

	ldp	d8, d9, [sp, #0]
	ldp	d10, d11, [sp, #16]
	ldp	d12, d13, [sp, #32]
	ldp	d14, d15, [sp, #48]
	ldp	x19, x20, [sp, #64]
	ldp	x21, x22, [sp, #80]
	ldp	x23, x24, [sp, #96]
	ldp	x25, x26, [sp, #112]
	ldp	x27, x28, [sp, #128]
	ldp	x29, x30, [sp, #144]
	add	sp, sp, #160
	.cfi_adjust_cfa_offset -160
	.cfi_restore d8
	.cfi_restore d9
	.cfi_restore d10
	.cfi_restore d11
	.cfi_restore d12
	.cfi_restore d13
	.cfi_restore d14
	.cfi_restore d15
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore x29
	.cfi_restore x30
	mov	x16, x30
	br	x16
	.cfi_endproc
	.size	coro__switch, .-coro__switch

/*
 * coro__switch, of a body whose stack is wanted: tells coro__rests(from, sp) once the registers are
 * saved, and leaves a stack that cannot be told from what coro__switch leaves.
 *
 *     coro_value coro__switch_kept(void **save_sp, void *sp, coro_value value,
 *                                  struct coro_generator *from);
 */
	.globl	coro__switch_kept
	.hidden	coro__switch_kept
	.type	coro__switch_kept, %function
	.p2align 4
coro__switch_kept:
	.cfi_startproc
	hint	#34 /* bti c */
	SAVE_REGISTERS

	mov	x19, x0
	mov	x20, x1
	mov	x21, x2
	mov	x22, x3
	mov	x0, x4
	mov	x1, sp
	bl	coro__rests
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	mov	x3, x22
	/* The call has changed it, and it stands in the frame. */
	ldr	x30, [sp, #152]
	b	.Lout
	.cfi_endproc
	.size	coro__switch_kept, .-coro__switch_kept

/*
 * The bottom of every body's stack: x19 is the body, x0 and x1 are what the first resume
 * brought. It has no caller, and says so to whoever walks the stack. The nop stands for
 * the call that a return address follows.
 */
	.globl	coro__trampoline
	.hidden	coro__trampoline
	.type	coro__trampoline, %function
	.p2align 4
coro__trampoline:
	.cfi_startproc
	.cfi_undefined x30
	.cfi_undefined x29
	nop
	hint	#36 /* bti j */
	mov	x2, x1
	mov	x1, x0
	mov	x0, x19
	mov	x29, #0
	mov	x30, #0
	bl	coro__body_main
	brk	#1
	.cfi_endproc
	.size	coro__trampoline, .-coro__trampoline

	.section .note.GNU-stack, "", %progbits
