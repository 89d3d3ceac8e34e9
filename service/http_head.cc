// SPDX-License-Identifier: Apache-2.0
#include "service/http_head.h"

namespace sparekey {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

bool MayHaveBody(int status) { return status != 204 && status != 304; }

void AppendHead(std::string& out, const HttpResponse& response, bool close, bool is_http_1_0) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(ReasonPhrase(response.status)).append("\r\n");
  if (MayHaveBody(response.status)) {
    if (!response.body.empty()) {
      out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  }
  if (!response.allow.empty()) out.append("Allow: ").append(response.allow).append("\r\n");
  out.append("Cache-Control: no-store\r\n");
  if (close) {
    out.append("Connection: close\r\n");
  } else if (is_http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

}  // namespace sparekey
