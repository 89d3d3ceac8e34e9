// SPDX-License-Identifier: Apache-2.0
#include "cli/confirmation.h"

#include "cli/prompt.h"
#include "cli/proof.h"
#include "cli/text.h"

namespace sparekey {

Answer Confirm(Api& api, const std::string& account, int tries) {
  while (true) {
    const auto code = ReadAnswer("One-time code of the new authenticator: ", Echo::kOff);
    if (!code) {
      Answer none;
      none.failure = Failure{ExitStatus::kUsage, "invalid",
                             "no code was given; confirm with: sparekey user confirm " + account};
      return none;
    }
    SecretJson body(Json::object());
    SetSecret(body.Expose(), "code", *code);
    Answer answer =
        SendProved(api, account, "POST", AccountTarget(account, "/enrolment/confirmation"), body);
    const bool again = !answer.ok() && answer.failure->code == "wrong_code" && --tries > 0;
    if (!again) return answer;
    Say(answer.failure->message);
  }
}

}  // namespace sparekey
