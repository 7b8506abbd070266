/* sink: words on a window. */
#include "sink/window/lettering.h"
#include "sink/window/glyphs.h"

#define ADVANCE (SL_GLYPH_WIDTH + 1)  /* dots from letter to letter, */
#define LINE    (SL_GLYPH_HEIGHT + 2) /* and from line to line */
#define MARGIN  3                     /* dots around the words */
#define MARK    2                     /* dots across, of the mark at their side */
#define SHEET   (SL_GLYPHS * SL_GLYPH_WIDTH)

static const SDL_Color ground = {0, 0, 0, 170};

/* All letters in one row, white on nothing. */
static void fill_sheet(Uint32 *pixels) {
    for (int x = 0; x < SHEET; x++) {
        uint8_t column = sl_glyphs[x / SL_GLYPH_WIDTH][x % SL_GLYPH_WIDTH];
        for (int y = 0; y < SL_GLYPH_HEIGHT; y++)
            pixels[y * SHEET + x] = column >> y & 1 ? 0xFFFFFFFF : 0;
    }
}

static SDL_Texture *make_glyphs(SDL_Renderer *renderer) {
    Uint32 pixels[SHEET * SL_GLYPH_HEIGHT];
    SDL_Texture *made = SDL_CreateTexture(renderer, SDL_PIXELFORMAT_ARGB8888,
                                          SDL_TEXTUREACCESS_STATIC, SHEET, SL_GLYPH_HEIGHT);
    if (!made)
        return NULL;
    fill_sheet(pixels);
    SDL_UpdateTexture(made, NULL, pixels, SHEET * (int)sizeof(*pixels));
    SDL_SetTextureBlendMode(made, SDL_BLENDMODE_BLEND);
    SDL_SetTextureScaleMode(made, SDL_ScaleModeNearest);
    return made;
}

/* The next letter of UTF-8, as it is drawn; '\0' at the end. */
static char next_letter(const char **text) {
    char letter = **text;
    if (letter == '\0')
        return letter;
    do
        (*text)++;
    while ((**text & 0xC0) == 0x80);
    if (letter == '\n' || (letter >= SL_GLYPH_FIRST && letter <= SL_GLYPH_LAST))
        return letter;
    return '?';
}

struct extent {
    int columns, lines;
};

static struct extent measure(const char *text) {
    struct extent extent = {.lines = 1};
    int column = 0;
    for (char letter; (letter = next_letter(&text));) {
        column = letter == '\n' ? 0 : column + 1;
        extent.lines += letter == '\n';
        extent.columns = SDL_max(extent.columns, column);
    }
    return extent;
}

static SDL_Rect panel_in(const SDL_Rect *place, struct extent extent, sl_lettering_style style) {
    SDL_Rect panel = {
        .w = (MARK + 2 * MARGIN + extent.columns * ADVANCE - 1) * style.dot,
        .h = (2 * MARGIN + extent.lines * LINE - 2) * style.dot,
    };
    bool centred = style.centred && panel.w < place->w;
    panel.x = place->x + (centred ? (place->w - panel.w) / 2 : 0);
    panel.y = place->y + (style.centred ? (place->h - panel.h) / 2 : place->h - panel.h);
    return panel;
}

static void fill(SDL_Renderer *renderer, const SDL_Rect *place, SDL_Color color) {
    SDL_SetRenderDrawBlendMode(renderer, SDL_BLENDMODE_BLEND);
    SDL_SetRenderDrawColor(renderer, color.r, color.g, color.b, color.a);
    SDL_RenderFillRect(renderer, place);
    SDL_SetRenderDrawColor(renderer, 0, 0, 0, SDL_ALPHA_OPAQUE);
}

static void write_letters(const sl_lettering *lettering, SDL_Renderer *renderer, SDL_Rect at,
                          const char *text) {
    int left = at.x, dot = at.w / SL_GLYPH_WIDTH;
    for (char letter; (letter = next_letter(&text));) {
        if (letter == '\n') {
            at.x = left;
            at.y += LINE * dot;
            continue;
        }
        SDL_Rect from = {(letter - SL_GLYPH_FIRST) * SL_GLYPH_WIDTH, 0, SL_GLYPH_WIDTH,
                         SL_GLYPH_HEIGHT};
        SDL_RenderCopy(renderer, lettering->glyphs, &from, &at);
        at.x += ADVANCE * dot;
    }
}

int sl_lettering_columns(int width, int dot) {
    return SDL_max((width / dot - MARK - 2 * MARGIN + 1) / ADVANCE, 1);
}

void sl_lettering_draw(sl_lettering *lettering, SDL_Renderer *renderer, const SDL_Rect *place,
                       const char *text, sl_lettering_style style) {
    if (!lettering->glyphs)
        lettering->glyphs = make_glyphs(renderer);
    if (!lettering->glyphs)
        return;
    SDL_Rect panel = panel_in(place, measure(text), style), mark = panel;
    mark.w = MARK * style.dot;
    SDL_Rect first = {
        .x = panel.x + (MARK + MARGIN) * style.dot,
        .y = panel.y + MARGIN * style.dot,
        .w = SL_GLYPH_WIDTH * style.dot,
        .h = SL_GLYPH_HEIGHT * style.dot,
    };
    SDL_RenderSetClipRect(renderer, place);
    fill(renderer, &panel, ground);
    fill(renderer, &mark, style.mark);
    write_letters(lettering, renderer, first, text);
    SDL_RenderSetClipRect(renderer, NULL);
}

void sl_lettering_finish(sl_lettering *lettering) {
    if (lettering->glyphs)
        SDL_DestroyTexture(lettering->glyphs);
    lettering->glyphs = NULL;
}
