// SPDX-License-Identifier: Apache-2.0
// sparekey-first-factor: what sparekeyd runs to check a password. For nobody to call by hand, and
// without harm when somebody does: it tells no more than su(1) would.
#include "service/first_factor_child.h"

int main() { return sparekey::AnswerFirstFactor(nullptr); }
