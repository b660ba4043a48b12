"""Numbers: P_G of a number in a table of numbers, by kernels over ranks whose mixture of widths is learned.

    s_k = sum_f sum_j w_fj log[ e + (1 - e) K_j(|u_f(q) - u_f(x_k)|) / mean K_j ]        u_f the ranks of field f

`gaussian` adds what one Gaussian over all fields expects, `residuals` what lies around the stored values.
"""
