/*
 * frame_aarch64.S - a thread that waits leaves what the switch would have saved of it.
 *
 *     void coro__framed(void (*wait)(struct coro__thread *thread, const void *sp),
 *                       struct coro__thread *thread);
 *
 * See frame_x86_64.S; the layout is CORO_FRAME_AARCH64_V1.
 */
	.text
	.globl	coro__framed
	.hidden	coro__framed
	.type	coro__framed, %function
	.p2align 4
coro__framed:
	.cfi_startproc
	hint	#34 /* bti c */
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
	mov	x2, x0
	mov	x0, x1
	mov	x1, sp
	blr	x2
	ldp	x29, x30, [sp, #144]
	add	sp, sp, #160
	.cfi_adjust_cfa_offset -160
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	coro__framed, .-coro__framed

	.section .note.GNU-stack, "", %progbits
