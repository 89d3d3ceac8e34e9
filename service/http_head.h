// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.1 answer (RFC 9110, RFC 9112).
#pragma once

#include <string>
#include <string_view>

#include "service/http_server.h"

namespace sparekey {

std::string_view ReasonPhrase(int status);

// HEAD is told the length of a body that it does not get; 204 and 304 have neither.
bool MayHaveBody(int status);

// `is_http_1_0`: the client must be told that the connection stays.
void AppendHead(std::string& out, const HttpResponse& response, bool close, bool is_http_1_0);

}  // namespace sparekey
