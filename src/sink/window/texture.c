/* sink: a picture as the display has it. */
#include "sink/window/texture.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* A texture for pictures of this format and size. */
static int fit_texture(sl_texture *texture, SDL_Renderer *renderer, Uint32 format,
                       const AVFrame *image) {
    if (texture->texture && texture->format == format && texture->width == image->width &&
        texture->height == image->height)
        return SL_OK;
    SDL_Texture *made = SDL_CreateTexture(renderer, format, SDL_TEXTUREACCESS_STREAMING,
                                          image->width, image->height);
    if (!made)
        return sl_fail(SL_EUNSUPPORTED, "the display can't show it: %s", SDL_GetError());
    SDL_SetTextureBlendMode(made, SDL_BLENDMODE_NONE);
    if (texture->texture)
        SDL_DestroyTexture(texture->texture);
    texture->texture = made;
    texture->format = format;
    texture->width = image->width;
    texture->height = image->height;
    return SL_OK;
}

static int fit_grey(sl_texture *texture, size_t size) {
    if (texture->grey_size >= size)
        return SL_OK;
    free(texture->grey);
    texture->grey = malloc(size);
    texture->grey_size = texture->grey ? size : 0;
    if (!texture->grey)
        return sl_fail_memory();
    memset(texture->grey, 128, size);
    return SL_OK;
}

/* Luma as it is, chroma at half the width and height. Of 4:2:2 every second row of chroma is left
 * out by doubling the stride, which costs nothing. */
static int upload_planes(sl_texture *texture, SDL_Renderer *renderer, const AVFrame *image) {
    int code = fit_texture(texture, renderer, SDL_PIXELFORMAT_IYUV, image);
    if (code < 0)
        return code;
    const uint8_t *u = image->data[1], *v = image->data[2];
    int u_stride = image->linesize[1], v_stride = image->linesize[2];
    if (image->format == AV_PIX_FMT_GRAY8) {
        u_stride = v_stride = (image->width + 1) / 2;
        code = fit_grey(texture, (size_t)u_stride * (size_t)((image->height + 1) / 2));
        if (code < 0)
            return code;
        u = v = texture->grey;
    } else if (image->format == AV_PIX_FMT_YUV422P) {
        u_stride *= 2;
        v_stride *= 2;
    }
    if (SDL_UpdateYUVTexture(texture->texture, NULL, image->data[0], image->linesize[0], u,
                             u_stride, v, v_stride) < 0)
        return sl_fail(SL_EUNSUPPORTED, "the display can't show it: %s", SDL_GetError());
    return SL_OK;
}

static int upload_packed(sl_texture *texture, SDL_Renderer *renderer, const AVFrame *image) {
    int code = fit_texture(texture, renderer, SDL_PIXELFORMAT_BGRA32, image);
    if (code < 0)
        return code;
    if (SDL_UpdateTexture(texture->texture, NULL, image->data[0], image->linesize[0]) < 0)
        return sl_fail(SL_EUNSUPPORTED, "the display can't show it: %s", SDL_GetError());
    return SL_OK;
}

static bool is_packed(enum AVPixelFormat format) {
    return format == AV_PIX_FMT_BGR24 || format == AV_PIX_FMT_BGR0;
}

/* What the display takes instead of `format`. */
static enum AVPixelFormat shown_as(enum AVPixelFormat format, bool grey) {
    if (grey)
        return AV_PIX_FMT_GRAY8;
    if (format == AV_PIX_FMT_YUV444P)
        return AV_PIX_FMT_YUV420P;
    return format == AV_PIX_FMT_BGR24 ? AV_PIX_FMT_BGR0 : format;
}

int sl_texture_upload(sl_texture *texture, SDL_Renderer *renderer, AVFrame *image, int divisor,
                      bool grey) {
    if (grey && !is_packed(image->format))
        image->format = AV_PIX_FMT_GRAY8; /* the first plane of them all */
    enum AVPixelFormat wanted = shown_as(image->format, grey);
    if (wanted != image->format || divisor > 1) {
        int width = SDL_max(image->width / divisor, 1),
            height = SDL_max(image->height / divisor, 1);
        int code = sl_scaler_convert(&texture->scaler, image, wanted, width, height, &image);
        if (code < 0)
            return code;
    }
    return is_packed(wanted) ? upload_packed(texture, renderer, image)
                             : upload_planes(texture, renderer, image);
}

void sl_texture_finish(sl_texture *texture) {
    if (texture->texture)
        SDL_DestroyTexture(texture->texture);
    sl_scaler_finish(&texture->scaler);
    free(texture->grey);
    *texture = (sl_texture){0};
}
