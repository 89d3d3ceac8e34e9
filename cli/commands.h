// SPDX-License-Identifier: Apache-2.0
// The verbs: each does its work, prints, and returns the exit status.
#pragma once

namespace sparekey {

struct Context;
struct Invocation;

int RunStatus(Context& context, const Invocation& invocation);
int RunInit(Context& context, const Invocation& invocation);
int RunUserEnroll(Context& context, const Invocation& invocation);
int RunUserEnrollFrom(Context& context, const Invocation& invocation);
int RunUserConfirm(Context& context, const Invocation& invocation);
int RunUserShow(Context& context, const Invocation& invocation);
int RunUserList(Context& context, const Invocation& invocation);
int RunUserRemove(Context& context, const Invocation& invocation);
int RunUserUnlock(Context& context, const Invocation& invocation);
int RunAuthenticatorAdd(Context& context, const Invocation& invocation);
int RunAuthenticatorList(Context& context, const Invocation& invocation);
int RunAuthenticatorRenew(Context& context, const Invocation& invocation);
int RunAuthenticatorRemove(Context& context, const Invocation& invocation);
int RunAuthenticatorResync(Context& context, const Invocation& invocation);
int RunCodesNew(Context& context, const Invocation& invocation);
int RunCodesStatus(Context& context, const Invocation& invocation);
int RunVerify(Context& context, const Invocation& invocation);
int RunRecover(Context& context, const Invocation& invocation);
int RunSettingsShow(Context& context, const Invocation& invocation);
int RunSettingsGet(Context& context, const Invocation& invocation);
int RunSettingsSet(Context& context, const Invocation& invocation);
int RunSshStatus(Context& context, const Invocation& invocation);
int RunSshEnable(Context& context, const Invocation& invocation);
int RunSshDisable(Context& context, const Invocation& invocation);
int RunAlertsList(Context& context, const Invocation& invocation);
int RunAlertsAcknowledge(Context& context, const Invocation& invocation);
int RunAlertsTest(Context& context, const Invocation& invocation);
int RunExport(Context& context, const Invocation& invocation);
int RunEvents(Context& context, const Invocation& invocation);
int RunConsole(Context& context, const Invocation& invocation);
int RunConsoleReset(Context& context, const Invocation& invocation);
int RunDoctor(Context& context, const Invocation& invocation);
int RunHelp(Context& context, const Invocation& invocation);

}  // namespace sparekey
