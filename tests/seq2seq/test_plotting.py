"""Pictures: the right colour in the right cell, readable labels, files of the right kind."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import warnings
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex

from data.errors import UserError
from data.tokenizer import Segmentation
from seq2seq import fonts
from seq2seq.labels import shortened, visible_label
from seq2seq.learning_curve import VALIDATION_COLOR, learning_curve
from seq2seq.plotting import (
    WEIGHT_COLORS,
    attention_heat_map,
    check_picture_path,
    save_figure,
    translation_heat_map,
    weight_colormap,
)
from seq2seq.translation import Hypothesis, Translation

WEIGHTS = np.array([[1.0, 0.0, 0.0], [0.25, 0.5, 0.25]], np.float32)
SOURCE, TARGET = ["ein", "Hund", "</s>"], ["dog", "</s>"]
# A letter that no font has for long, and whose name nobody will draw by accident: a private use character.
NO_FONT_HAS_IT = "\U000f1234"


def texts(labels) -> list[str]:
    return [label.get_text() for label in labels]


def all_texts(figure) -> str:
    return "\n".join(texts(figure.texts))


def pixels(figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=100)
    width, height = figure.get_size_inches() * 100
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(int(height), int(width), 4)


def pixel_in_cell(figure, image: np.ndarray, row: int, column: int) -> str:
    axes = figure.axes[0]
    x, y = figure.transFigure.inverted().transform(axes.transData.transform((column + 0.25, row + 0.25)))
    height, width = image.shape[:2]
    return to_hex(image[int((1 - y) * height), int(x * width), :3] / 255)


class TestAttentionHeatMap:
    def test_each_cell_is_painted_with_the_colour_of_its_weight(self):
        figure = attention_heat_map(WEIGHTS, SOURCE, TARGET)
        image = pixels(figure)
        for (row, column), weight in np.ndenumerate(WEIGHTS):
            expected = np.array(weight_colormap()(float(weight))[:3])
            found = np.array(
                [int(pixel_in_cell(figure, image, row, column)[i : i + 2], 16) for i in (1, 3, 5)]
            )
            np.testing.assert_allclose(found / 255, expected, atol=0.01, err_msg=f"cell {row}, {column}")

    def test_source_is_along_the_top_and_target_reads_downwards(self):
        figure = attention_heat_map(WEIGHTS, SOURCE, TARGET, source_name="German", target_name="English")
        axes = figure.axes[0]
        figure.canvas.draw()
        assert texts(axes.get_xticklabels()) == SOURCE
        assert texts(axes.get_yticklabels()) == TARGET
        assert axes.xaxis.get_ticks_position() == "top"
        heights = [label.get_window_extent().y0 for label in axes.get_yticklabels()]
        assert heights[0] > heights[1]
        assert "German →" in texts(figure.texts)
        assert "English ↓" in texts(figure.texts)

    def test_colours_do_not_depend_on_the_largest_weight(self):
        faint = attention_heat_map(np.full((1, 4), 0.25), list("abcd"), ["x"])
        color = to_hex(faint.axes[0].collections[0].cmap(faint.axes[0].collections[0].norm(0.25)))
        assert color == WEIGHT_COLORS[2]
        assert faint.axes[0].collections[0].get_clim() == (0, 1)

    def test_lightness_falls_in_even_steps(self):
        channels = weight_colormap()(np.linspace(0, 1, 9))[:, :3]
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        luminance = linear @ [0.2126, 0.7152, 0.0722]
        lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
        np.testing.assert_allclose(np.diff(lightness), -82 / 8, atol=1.0)
        assert to_hex(channels[0]) == "#ffffff"

    def test_values_are_written_where_they_can_be_read(self):
        figure = attention_heat_map(
            np.array([[0.846, 0.154, 0.0], [0.0, 0.004, 0.996]]), SOURCE, TARGET, values=True
        )
        written = {tuple(map(int, each.get_position())): each for each in figure.axes[0].texts}
        assert {place: each.get_text() for place, each in written.items()} == {
            (0, 0): ".85",
            (1, 0): ".15",
            (2, 1): "1.00",
        }
        assert written[0, 0].get_color() == "white"
        assert written[1, 0].get_color() != "white"

    def test_no_values_unless_asked_for(self):
        assert not attention_heat_map(WEIGHTS, SOURCE, TARGET).axes[0].texts

    def test_labels_are_never_parsed_as_formulas(self):
        labels = ["$x_1$", "a_b^c", "\\frac", "50$", "$"]
        figure = attention_heat_map(np.eye(5), labels, labels, title="$\\notacommand$ costs 5")
        figure.canvas.draw()  # a formula that cannot be parsed raises here
        assert texts(figure.axes[0].get_xticklabels()) == labels
        assert "$\\notacommand$ costs 5" in texts(figure.texts)

    def test_invisible_characters_are_shown(self):
        labels = ["a\nb", "\t", " ", "\u202e", "x\x00"]
        figure = attention_heat_map(np.eye(5), labels, labels)
        assert texts(figure.axes[0].get_xticklabels()) == ["a\\nb", "\\t", "␣", "<U+202E>", "x\\x00"]

    def test_the_end_of_sentence_is_quieter_than_a_word(self):
        labels = attention_heat_map(WEIGHTS, SOURCE, TARGET).axes[0].get_xticklabels()
        assert labels[2].get_color() != labels[0].get_color() == labels[1].get_color()

    def test_a_very_long_word_is_cut(self):
        figure = attention_heat_map(np.ones((1, 1)), ["Donau" * 20], ["x"])
        label = texts(figure.axes[0].get_xticklabels())[0]
        assert len(label) == 26
        assert label.endswith("…")

    def test_a_title_that_is_cut_says_so(self):
        for title, is_cut in (("title " * 60, True), ("title", False)):
            figure = attention_heat_map(np.eye(3), ["a", "b", "c"], ["a", "b", "c"], title=title)
            lines = [text.get_text() for text in figure.texts if text.get_text().startswith("title")]
            assert len(lines) == (3 if is_cut else 1)
            assert [line.endswith("…") for line in lines] == [False] * (len(lines) - 1) + [is_cut]

    @pytest.mark.parametrize("size", [1, 3, 12, 30, 60, 200])
    def test_letters_stay_legible_and_labels_apart_and_everything_inside(self, size):
        words = [("Wort" * (1 + place % 4))[: 2 + place % 13] for place in range(size - 1)] + [NO_FONT_HAS_IT]
        figure = attention_heat_map(np.eye(size), words, words, title="title " * 30, subtitle="score " * 9)
        figure.canvas.draw()
        axes = figure.axes[0]
        rows = axes.get_yticklabels()
        assert len(rows) == size
        assert all(label.get_size() >= 6 for label in rows)
        baselines = [label.get_window_extent().y0 for label in rows]
        if size > 1:
            line = rows[0].get_size() * figure.dpi / 72
            assert np.abs(np.diff(baselines)).min() >= 0.9 * line
        box = figure.bbox.padded(1)
        drawn = [*rows, *axes.get_xticklabels(), *figure.texts, axes, figure.axes[1].yaxis.label]
        for artist in drawn:
            extent = artist.get_window_extent()
            assert box.x0 <= extent.x0 <= extent.x1 <= box.x1, artist
            assert box.y0 <= extent.y0 <= extent.y1 <= box.y1, artist
        for text in figure.texts:
            for other in (*rows, *axes.get_xticklabels(), axes):
                assert not text.get_window_extent().overlaps(other.get_window_extent()), (text, other)
        assert max(figure.get_size_inches()) < 25

    def test_cells_are_square(self):
        figure = attention_heat_map(np.full((3, 9), 1 / 9), list("abcdefghi"), list("xyz"))
        extent = figure.axes[0].get_window_extent()
        assert extent.width / 9 == pytest.approx(extent.height / 3)

    def test_nothing_to_draw_is_the_users_mistake(self):
        for shape in ((0, 3), (2, 0), (0, 0)):
            with pytest.raises(UserError, match="no attention to draw"):
                attention_heat_map(np.zeros(shape), SOURCE[: shape[1]], TARGET[: shape[0]])

    @pytest.mark.parametrize(
        "weights", [np.eye(3), np.full((2, 3), np.nan), np.full((2, 3), 1.5), -np.ones((2, 3))]
    )
    def test_what_is_no_attention_over_these_labels_is_refused(self, weights):
        with pytest.raises(ValueError, match="weights"):
            attention_heat_map(weights, SOURCE, TARGET)

    def test_pyplot_knows_nothing_of_the_figures(self):
        for _ in range(3):
            attention_heat_map(WEIGHTS, SOURCE, TARGET)
        learning_curve({"loss": [1.0]})
        assert pyplot.get_fignums() == []


class TestFonts:
    def test_scripts_without_a_font_neither_warn_nor_vanish(self, caplog):
        labels = [
            "两个年轻人",
            "ひらがな",
            "한국어",
            "हिन्दी",
            "ไทย",
            "🎉",
            "👩‍👩‍👧",
            "رجل",
            "שלום",
            NO_FONT_HAS_IT,
        ]
        with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
            warnings.simplefilter("error")
            figure = attention_heat_map(np.eye(10), labels, labels, title="".join(labels))
            pixels(figure)
        assert not caplog.records
        assert texts(figure.axes[0].get_xticklabels())[-1] == "□"
        foot = all_texts(figure).replace("\n", " ")
        assert "shown as □ because no installed font has them" in foot
        assert "U+F1234" in foot

    def test_missing_letters_are_named_with_a_font_that_has_them(self, monkeypatch):
        monkeypatch.setattr(fonts, "_family_of_character", {})
        monkeypatch.setattr(fonts, "_other_families", lambda prefer: [])
        monkeypatch.setattr(fonts, "_register_new_fonts", lambda: False)
        assert fonts.missing_glyphs(["犬", "ไ", "🎉\ufe0f", "Hund"]) == (
            "3 characters are shown as □ because no installed font has them. Install "
            "Noto Sans Thai for U+0E44; Noto Sans CJK for U+72AC; "
            "Symbola or Noto Emoji (not the colour one) for U+1F389."
        )
        typeface = fonts.typeface_for(["犬a", "🎉\ufe0f"])
        assert typeface.families == ["DejaVu Sans"]
        assert typeface.drawable("犬a") == "□a"

    def test_letters_that_are_there_need_no_note(self):
        assert fonts.missing_glyphs(["Straße", "Ελλάδα", "Москва", "▁dogs", "😀", "</s>"]) is None
        assert fonts.typeface_for(["Straße"]) == ([fonts.BASE_FAMILY], frozenset())

    def test_another_installed_font_is_used_for_what_the_base_font_lacks(self, monkeypatch):
        monkeypatch.setattr(fonts, "_family_of_character", {})
        # Matplotlib brings both fonts; this one has no Cyrillic.
        monkeypatch.setattr(fonts, "BASE_FAMILY", "cmr10")
        typeface = fonts.typeface_for(["ж"])
        assert typeface.families[0] == "cmr10"
        assert len(typeface.families) == 2
        assert not typeface.missing

    def test_a_font_installed_after_matplotlib_made_its_list_is_found(self, monkeypatch):
        from matplotlib import font_manager

        monkeypatch.setattr(fonts, "_family_of_character", {})
        monkeypatch.setattr(fonts, "BASE_FAMILY", "cmr10")  # it has no Cyrillic
        known = [each for each in font_manager.fontManager.ttflist if each.name == "cmr10"]
        path = font_manager.findfont("STIXGeneral")
        monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path)])
        assert fonts.typeface_for(["ж"]) == (["cmr10", "STIXGeneral"], frozenset())
        assert not fonts._register_new_fonts()  # it is known now

    def test_an_old_matplotlib_that_cannot_join_arabic_letters_says_so(self, monkeypatch):
        monkeypatch.setattr(fonts, "shapes_text", lambda: False)
        assert "neither joined nor ordered" in fonts.missing_glyphs(["رجل"])
        assert fonts.missing_glyphs(["dog"]) is None
        monkeypatch.setattr(fonts, "shapes_text", lambda: True)
        assert fonts.missing_glyphs(["رجل"]) is None

    def test_labels_are_cut_between_characters_not_within(self):
        assert shortened("abcdef", 4) == "abc…"
        assert shortened("abcd", 4) == "abcd"
        assert shortened("abe\u0301def", 4) == "ab…"  # not an e without its accent
        assert shortened("ककिकक", 3) == "क…"  # nor a syllable without its vowel sign
        assert visible_label("👩\u200d👧") == "👩\u200d👧"


class TestTranslationHeatMap:
    SOURCE = Segmentation("犬", (5,), ("▁犬",), ((0, 1),), ("犬",), ((0, 1),), (0,))
    TARGET = Segmentation("dogs", (6, 7), ("▁dog", "s"), ((0, 3), (3, 4)), ("dogs",), ((0, 4),), (0, 0))

    def translation(self, count: int) -> Translation:
        attention = np.array([[0.8, 0.2], [0.6, 0.4], [0.0, 1.0]], np.float32)
        hypothesis = Hypothesis(self.TARGET, np.zeros(3), -4.5, -1.25, True, attention)
        return Translation(self.SOURCE, (hypothesis,) * count)

    def test_words_or_pieces_with_the_scores(self):
        words = translation_heat_map(self.translation(1))
        assert texts(words.axes[0].get_yticklabels()) == ["dogs", "</s>"]
        np.testing.assert_allclose(words.axes[0].collections[0].get_array(), [[0.7, 0.3], [0, 1]], atol=1e-6)
        assert "log probability −4.50 · score −1.250 · attention confidence 0." in all_texts(words).replace(
            "\n", " "
        )
        pieces = translation_heat_map(self.translation(3), 1, level="pieces")
        assert texts(pieces.axes[0].get_yticklabels()) == ["▁dog", "s", "</s>"]
        assert "hypothesis 2 of 3" in all_texts(pieces)

    def test_a_hypothesis_that_is_not_there(self):
        for translation, rank in ((self.translation(2), 2), (Translation(self.SOURCE, ()), 0)):
            with pytest.raises(UserError, match=f"hypothesis {rank + 1} was asked for"):
                translation_heat_map(translation, rank)


class TestSaveFigure:
    @pytest.mark.parametrize(
        ("name", "signature"),
        [("a.png", b"\x89PNG\r\n\x1a\n"), ("b.SVG", b"<?xml"), ("c.pdf", b"%PDF-")],
    )
    def test_the_ending_chooses_the_kind(self, tmp_path, name, signature):
        path = tmp_path / "new folder" / name
        save_figure(attention_heat_map(WEIGHTS, SOURCE, TARGET), path)
        assert path.read_bytes().startswith(signature)
        assert [each.name for each in path.parent.iterdir()] == [name]

    @pytest.mark.parametrize("name", ["picture", "picture.jpg", "picture.txt"])
    def test_an_unknown_ending_is_an_error_that_names_the_known_ones(self, tmp_path, name):
        with pytest.raises(UserError, match=r"\.png, \.svg, \.pdf"):
            save_figure(SimpleNamespace(), tmp_path / name)
        with pytest.raises(UserError, match=name):
            check_picture_path(tmp_path / name)

    def test_a_failed_drawing_leaves_the_old_picture(self, tmp_path):
        path = tmp_path / "old.png"
        path.write_bytes(b"old")

        def explode(file, **_):
            file.write(b"half")
            raise RuntimeError("out of paint")

        with pytest.raises(RuntimeError, match="out of paint"):
            save_figure(SimpleNamespace(savefig=explode), path)
        assert path.read_bytes() == b"old"

    def test_a_path_that_cannot_be_written_is_the_users_mistake(self, tmp_path):
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(UserError, match=r"Cannot write the picture .*heat\.png"):
            save_figure(attention_heat_map(WEIGHTS, SOURCE, TARGET), tmp_path / "file" / "heat.png")


class TestLearningCurve:
    METRICS: ClassVar = {
        "epoch": [1, 2, 3, 4],
        "loss": [5.0, 4.0, 3.5, 3.2],
        "val_loss": [4.5, 4.1, 4.0, 4.2],
        "perplexity": [90.0, 40.0, 20.0, 10.0],
        "val_perplexity": [70.0, 35.0, 30.0, 33.0],
        "val_bleu": ["", None, "21.5", 20.0],
        "learning_rate": ["1e-3"] * 4,
    }

    def best_point(self, axes) -> tuple[float, float]:
        (marked,) = [
            line for line in axes.lines if line.get_marker() == "o" and line.get_linestyle() == "None"
        ]
        return float(marked.get_xdata()[0]), float(marked.get_ydata()[0])

    def test_perplexity_beside_bleu_with_their_best_epochs(self):
        perplexity, bleu = learning_curve(self.METRICS).axes
        assert [axes.get_title(loc="left") for axes in (perplexity, bleu)] == ["Perplexity", "BLEU"]
        assert texts(perplexity.get_legend().get_texts()) == ["training", "validation"]
        training, validation = perplexity.lines[:2]
        np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(validation.get_ydata(), [70, 35, 30, 33])
        assert validation.get_color() == VALIDATION_COLOR
        assert self.best_point(perplexity) == (3, 30)
        assert perplexity.get_title(loc="right") == "best 30.0 at epoch 3"
        np.testing.assert_array_equal(bleu.lines[0].get_xdata(), [3, 4])  # the epochs that have a number
        assert self.best_point(bleu) == (3, 21.5)

    def test_without_bleu_the_loss_is_the_second_panel(self):
        metrics = {name: column for name, column in self.METRICS.items() if name != "val_bleu"}
        assert [axes.get_title(loc="left") for axes in learning_curve(metrics).axes] == ["Perplexity", "Loss"]

    def test_a_single_epoch_and_a_column_that_is_shorter(self):
        figure = learning_curve({"loss": [3.0, 2.0], "val_loss": [2.5]})
        pixels(figure)
        assert len(figure.axes) == 1
        assert self.best_point(figure.axes[0]) == (1, 2.5)

    def test_training_alone_has_no_best_epoch(self):
        axes = learning_curve({"loss": [3.0, float("nan"), 2.0]}).axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 3])
        assert axes.get_title(loc="right") == ""

    def test_a_wide_range_gets_a_logarithmic_scale(self):
        assert learning_curve({"val_perplexity": [900.0, 30.0, 8.0]}).axes[0].get_yscale() == "log"
        assert learning_curve({"val_perplexity": [12.0, 9.0, 8.0]}).axes[0].get_yscale() == "linear"

    def test_nothing_to_draw_and_no_number_are_errors(self):
        for metrics in ({}, {"loss": []}, {"val_loss": [float("nan")], "epoch": [1]}):
            with pytest.raises(UserError, match="no learning curve to draw"):
                learning_curve(metrics)
        with pytest.raises(UserError, match="Entry 2 of the metric 'loss' is 'high'"):
            learning_curve({"loss": ["1", "high"]})


def test_importing_the_module_does_not_load_matplotlib():
    program = (
        "import sys, seq2seq.plotting; sys.exit('matplotlib' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
