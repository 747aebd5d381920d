"""Models of the Hessian whose inverse is cheap: what solvers precondition with.

Read `protocol` (what a solver asks of one) and the preconditioners, one a file:

    diagonal         its diagonal                                          sparse and very wide X
    cholesky         all of it, by a Cholesky factor                       K·D up to some thousands
    class_basis      a Gram matrix a class, weighted by p (1 − p), in the
                     leading eigenvectors of XᵀX, a multiple of 1 beside   dense X, few classes
    kronecker        each class's mean curvature times XᵀX                 dense X, many classes
    non_negligible   the Hessian on each row's classes of non-negligible
                     probability, a Kronecker model beside it              dense X, more classes yet

then `choice`: which one a fit uses, over how many rows, and at what cost.
"""
