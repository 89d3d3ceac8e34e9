// SPDX-License-Identifier: Apache-2.0
// What the pictures say is read back with zbarimg.
#include "core/qr.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace sparekey {
namespace {

constexpr std::string_view kUri =
    "otpauth://totp/nas.example:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    "&issuer=nas.example&algorithm=SHA256&digits=8&period=30";

// What zbarimg reads from a picture, or what went wrong.
std::string Scan(const std::string& picture) {
  std::string path = testing::TempDir() + "/sparekey_qr_XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) return "no temporary file";
  close(file);
  std::ofstream(path, std::ios::binary) << picture;
  FILE* const pipe = popen(("zbarimg --quiet --raw " + path + " 2>/dev/null").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) {
    text.append(buffer.data(), size);
  }
  const int status = pclose(pipe);
  unlink(path.c_str());
  if (status != 0) return "zbarimg ended with " + std::to_string(status);
  if (!text.empty()) text.pop_back();  // its newline
  return text;
}

// Rows of modules, dark or not.
using Bitmap = std::vector<std::vector<bool>>;

// A portable graymap, 4 pixels a module.
std::string AsPgm(const Bitmap& bitmap) {
  constexpr std::size_t kScale = 4;
  std::string out = "P5 " + std::to_string(bitmap[0].size() * kScale) + " " +
                    std::to_string(bitmap.size() * kScale) + " 255\n";
  for (std::size_t y = 0; y < bitmap.size() * kScale; ++y) {
    for (std::size_t x = 0; x < bitmap[0].size() * kScale; ++x) {
      out += bitmap[y / kScale][x / kScale] ? '\x00' : '\xff';
    }
  }
  return out;
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  EXPECT_EQ(text, "");
  return lines;
}

constexpr std::string_view kBegin = "\x1b[30;47;107m";
constexpr std::string_view kEnd = "\x1b[0m";

// The two rows of modules that a line of half blocks shows. nullopt: something else is in it.
std::optional<Bitmap> RowsOf(std::string line) {
  if (!line.starts_with(kBegin) || !line.ends_with(kEnd)) return std::nullopt;
  line = line.substr(kBegin.size(), line.size() - kBegin.size() - kEnd.size());
  Bitmap rows(2);
  const std::array<std::string_view, 4> blocks{" ", "▀", "▄", "█"};
  for (std::size_t at = 0; at < line.size();) {
    std::size_t block = 0;
    while (block < 4 && !std::string_view(line).substr(at).starts_with(blocks[block])) ++block;
    if (block == 4) return std::nullopt;
    rows[0].push_back((block & 1) != 0);
    rows[1].push_back((block & 2) != 0);
    at += blocks[block].size();
  }
  return rows;
}

Bitmap RenderTerminal(const std::string& text) {
  Bitmap bitmap;
  for (const std::string& line : Lines(text)) {
    auto rows = RowsOf(line);
    if (!rows) {
      ADD_FAILURE() << line;
      break;
    }
    for (auto& row : *rows) bitmap.push_back(std::move(row));
  }
  return bitmap;
}

Bitmap RenderSvg(const std::string& svg) {
  std::smatch found;
  EXPECT_TRUE(std::regex_search(svg, found, std::regex("viewBox=\"0 0 ([0-9]+) ([0-9]+)\"")));
  Bitmap bitmap(std::stoul(found[2]), std::vector<bool>(std::stoul(found[1])));
  const std::regex rectangle("M([0-9]+) ([0-9]+)h([0-9]+)v1h-([0-9]+)z");
  for (std::sregex_iterator it(svg.begin(), svg.end(), rectangle), end; it != end; ++it) {
    EXPECT_EQ((*it)[3], (*it)[4]);
    for (std::size_t i = 0; i < std::stoul((*it)[3]); ++i) {
      bitmap.at(std::stoul((*it)[2])).at(std::stoul((*it)[1]) + i) = true;
    }
  }
  return bitmap;
}

// Whether the outermost four modules on every side are light.
bool HasQuietZone(const Bitmap& bitmap) {
  const std::size_t width = bitmap[0].size();
  for (std::size_t y = 0; y < bitmap.size(); ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const bool outside = x < 4 || y < 4 || x >= width - 4 || y >= width - 4;
      if (outside && bitmap[y][x]) return false;
    }
  }
  return true;
}

TEST(QrAsPng, IsReadByAScanner) {
  const auto png = QrAsPng(kUri);
  ASSERT_TRUE(png) << png.error().message;
  EXPECT_TRUE(png->starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(Scan(*png), kUri);
}

TEST(QrAsPng, HasEightPixelsAModule) {
  const auto png = QrAsPng("a");  // version 1: 21 modules and the quiet zone
  ASSERT_TRUE(png);
  const auto big_endian = [&](std::size_t at) {
    return static_cast<unsigned char>((*png)[at + 2]) << 8 |
           static_cast<unsigned char>((*png)[at + 3]);
  };
  EXPECT_EQ(big_endian(16), (21 + 8) * 8);
  EXPECT_EQ(big_endian(20), (21 + 8) * 8);
}

TEST(QrForTerminal, IsReadByAScanner) {
  const auto text = QrForTerminal(kUri);
  ASSERT_TRUE(text) << text.error().message;
  const Bitmap bitmap = RenderTerminal(*text);
  EXPECT_TRUE(HasQuietZone(bitmap));
  EXPECT_EQ(Scan(AsPgm(bitmap)), kUri);
}

TEST(QrForTerminal, FitsATerminalOf80Columns) {
  const auto text = QrForTerminal(kUri);
  ASSERT_TRUE(text);
  EXPECT_LE(RenderTerminal(*text)[0].size(), 80U);
}

TEST(QrAsSvg, IsReadByAScanner) {
  const auto svg = QrAsSvg(kUri);
  ASSERT_TRUE(svg) << svg.error().message;
  const Bitmap bitmap = RenderSvg(*svg);
  EXPECT_TRUE(HasQuietZone(bitmap));
  EXPECT_EQ(Scan(AsPgm(bitmap)), kUri);
}

TEST(QrAsSvg, IsOneWhiteSquareBeneathTheBlackModules) {
  const auto svg = QrAsSvg("a");
  ASSERT_TRUE(svg);
  EXPECT_TRUE(svg->starts_with(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="232" height="232" viewBox="0 0 29 29" )"
      R"(shape-rendering="crispEdges"><path fill="#fff" d="M0 0h29v29H0z"/><path fill="#000" d="M)"))
      << *svg;
  EXPECT_TRUE(svg->ends_with("z\"/></svg>\n"));
  EXPECT_EQ(svg->find(kUri), std::string::npos);
}

TEST(Qr, GivesTheSameModulesInEveryForm) {
  const auto text = QrForTerminal(kUri);
  const auto svg = QrAsSvg(kUri);
  ASSERT_TRUE(text && svg);
  Bitmap terminal = RenderTerminal(*text);
  terminal.pop_back();  // the lower half of the last line
  EXPECT_EQ(terminal, RenderSvg(*svg));
}

TEST(Qr, HoldsUpTo2331BytesAndAtLeastOne) {
  EXPECT_TRUE(QrAsSvg(std::string(2331, 'x')));
  for (const std::size_t size : {std::size_t{0}, std::size_t{2332}, std::size_t{10'240}}) {
    const std::string text(size, 'x');
    for (const auto& made : {QrForTerminal(text), QrAsSvg(text), QrAsPng(text)}) {
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
      EXPECT_EQ(made.error().message, "a QR code holds 1..2331 bytes, not " + std::to_string(size));
    }
  }
}

// The usual URI of a host with a long name, without what every app takes for granted.
constexpr std::string_view kShortUri =
    "otpauth://totp/nas.example.org:administrator?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    "&issuer=nas.example.org";

// As a screen shows it that is black where nothing is drawn, or with `paper` white.
Bitmap RenderLines(const std::vector<std::string>& lines, bool paper) {
  Bitmap bitmap;
  for (const std::string& line : lines) {
    auto rows = RowsOf(std::string(kBegin) + line + std::string(kEnd));
    if (!rows) {
      ADD_FAILURE() << line;
      break;
    }
    for (auto& row : *rows) {
      if (!paper) row.flip();
      bitmap.push_back(std::move(row));
    }
  }
  // What surrounds it is the screen.
  for (auto& row : bitmap) row.insert(row.begin(), 4, !paper);
  return bitmap;
}

TEST(QrAsLines, FitsAScreenOf24LinesAndIsReadByAScanner) {
  const auto lines = QrAsLines(kShortUri, false);
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_LE(lines->size(), 23);
  EXPECT_EQ(Scan(AsPgm(RenderLines(*lines, false))), kShortUri);
}

TEST(QrAsLines, IsReadFromABlackOnWhiteScreenToo) {
  const auto lines = QrAsLines(kShortUri, true);
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(Scan(AsPgm(RenderLines(*lines, true))), kShortUri);
}

}  // namespace
}  // namespace sparekey
