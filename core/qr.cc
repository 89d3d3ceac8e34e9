// SPDX-License-Identifier: Apache-2.0
#include "core/qr.h"

#include <png.h>
#include <qrencode.h>

#include <memory>
#include <span>
#include <string>

#include "core/secret.h"

namespace sparekey {
namespace {

constexpr int kQuietZone = 4;
constexpr int kSmallQuietZone = 2;
constexpr int kPixelsPerModule = 8;

struct FreeCode {
  void operator()(QRcode* code) const {
    // Who reads the modules has the secret.
    Wipe(std::span(code->data, static_cast<std::size_t>(code->width * code->width)));
    QRcode_free(code);
  }
};

// The modules with the quiet zone around them.
class Modules {
 public:
  Modules(QRcode* code, int quiet_zone) : code_(code), quiet_zone_(quiet_zone) {}

  int width() const { return code_->width + 2 * quiet_zone_; }

  bool IsDark(int x, int y) const {
    const int column = x - quiet_zone_;
    const int row = y - quiet_zone_;
    if (column < 0 || row < 0 || column >= code_->width || row >= code_->width) return false;
    return (code_->data[row * code_->width + column] & 1) != 0;
  }

 private:
  std::unique_ptr<QRcode, FreeCode> code_;
  int quiet_zone_;
};

Result<Modules> Encode(std::string_view text, QRecLevel level = QR_ECLEVEL_M,
                       int quiet_zone = kQuietZone) {
  QRcode* const code = QRcode_encodeData(
      static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, level);
  if (code == nullptr) {
    return Invalid("a QR code holds 1..2331 bytes, not " + std::to_string(text.size()));
  }
  return Modules(code, quiet_zone);
}

}  // namespace

Result<std::string> QrForTerminal(std::string_view text) {
  // Black on white; 107 (bright white) stays without effect where a terminal does not know it.
  constexpr std::string_view kColours = "\x1b[30;47;107m";
  constexpr std::string_view kEndOfLine = "\x1b[0m\n";
  const auto modules = Encode(text);
  if (!modules) return modules.error();
  std::string out;
  for (int y = 0; y < modules->width(); y += 2) {
    out += kColours;
    for (int x = 0; x < modules->width(); ++x) {
      const bool upper = modules->IsDark(x, y);
      const bool lower = modules->IsDark(x, y + 1);
      out += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
    }
    out += kEndOfLine;
  }
  return out;
}

Result<std::vector<std::string>> QrAsLines(std::string_view text, bool dark_on_light) {
  const auto modules = Encode(text, QR_ECLEVEL_L, kSmallQuietZone);
  if (!modules) return modules.error();
  std::vector<std::string> lines;
  for (int y = 0; y < modules->width(); y += 2) {
    std::string& line = lines.emplace_back();
    for (int x = 0; x < modules->width(); ++x) {
      const bool upper = modules->IsDark(x, y) == dark_on_light;
      const bool below = y + 1 < modules->width();  // nothing is drawn below the last row
      const bool lower = below && modules->IsDark(x, y + 1) == dark_on_light;
      line += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
    }
  }
  return lines;
}

Result<std::string> QrAsSvg(std::string_view text) {
  const auto modules = Encode(text);
  if (!modules) return modules.error();
  const std::string width = std::to_string(modules->width());
  const std::string pixels = std::to_string(modules->width() * kPixelsPerModule);
  std::string out = R"(<svg xmlns="http://www.w3.org/2000/svg" width=")" + pixels +
                    R"(" height=")" + pixels + R"(" viewBox="0 0 )" + width + " " + width +
                    R"(" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h)" + width + "v" +
                    width + "H0z\"/><path fill=\"#000\" d=\"";
  for (int y = 0; y < modules->width(); ++y) {
    for (int x = 0; x < modules->width(); ++x) {
      if (!modules->IsDark(x, y)) continue;
      const int begin = x;
      while (modules->IsDark(x, y)) ++x;
      const std::string length = std::to_string(x - begin);
      out.append("M").append(std::to_string(begin)).append(" ").append(std::to_string(y));
      out.append("h").append(length).append("v1h-").append(length).append("z");
    }
  }
  return out + "\"/></svg>\n";
}

Result<std::string> QrAsPng(std::string_view text) {
  const auto modules = Encode(text);
  if (!modules) return modules.error();
  const int width = modules->width() * kPixelsPerModule;
  std::string pixels;
  for (int y = 0; y < width; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels += modules->IsDark(x / kPixelsPerModule, y / kPixelsPerModule) ? '\x00' : '\xff';
    }
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = image.width;
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string png(size, '\0');
  const int written =
      png_image_write_to_memory(&image, png.data(), &size, 0, pixels.data(), 0, nullptr);
  Wipe(std::span(pixels));
  if (written == 0) return Error{ErrorCode::kUnavailable, "no memory for a PNG image"};
  png.resize(size);
  return png;
}

}  // namespace sparekey
