// SPDX-License-Identifier: Apache-2.0
// sparekey-first-factor with the folder of PAM's services as its argument.
#include "service/first_factor_child.h"

int main(int count, char** words) {
  return sparekey::AnswerFirstFactor(count > 1 ? words[1] : nullptr);
}
